// Says of an object what Argo CD and Flux would, by their own code. It reads a question as JSON from standard input, and answers
// likewise.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/argoproj/argo-cd/v3/util/argo/managedfields"
	"github.com/fluxcd/cli-utils/pkg/kstatus/status"
	"github.com/fluxcd/pkg/apis/kustomize"
	"github.com/fluxcd/pkg/runtime/cel"
	lua "github.com/yuin/gopher-lua"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

type question struct {
	// The object as it is in the cluster.
	Object *unstructured.Unstructured `json:"object"`
	// The script of a health check of Argo CD.
	Lua string `json:"lua"`
	// An entry of healthCheckExprs of Flux.
	Expressions *kustomize.HealthCheckExpressions `json:"expressions"`
	// The object as it is in Git, and whose fields are none of Git's.
	Target   *unstructured.Unstructured `json:"target"`
	Managers []string                   `json:"managers"`
}

type answer struct {
	// By the script.
	Health *health `json:"health,omitempty"`
	// What Flux makes of it without expressions.
	Kstatus string `json:"kstatus"`
	// By the expressions.
	Expressions string `json:"expressions,omitempty"`
	// What Argo CD compares.
	Live   *unstructured.Unstructured `json:"live,omitempty"`
	Target *unstructured.Unstructured `json:"target,omitempty"`
}

type health struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	var asked question
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return err
	}
	computed, err := status.Compute(asked.Object)
	if err != nil {
		return err
	}
	said := answer{Kstatus: computed.Status.String()}
	if asked.Lua != "" {
		if said.Health, err = healthOf(asked.Object, asked.Lua); err != nil {
			return err
		}
	}
	if asked.Expressions != nil {
		evaluator, err := cel.NewStatusEvaluator(asked.Expressions)
		if err != nil {
			return err
		}
		// Where an expression can't be evaluated Flux does not know, and goes on waiting.
		said.Expressions = status.UnknownStatus.String()
		if evaluated, err := evaluator.Evaluate(context.Background(), asked.Object); err == nil {
			said.Expressions = evaluated.Status.String()
		}
	}
	if asked.Target != nil {
		said.Live, said.Target, err = managedfields.Normalize(asked.Object, asked.Target, asked.Managers, nil)
		if err != nil {
			return err
		}
	}
	return json.NewEncoder(os.Stdout).Encode(said)
}

// The statuses that Argo CD takes from a script; any other is an error there.
var statuses = []string{"Healthy", "Suspended", "Progressing", "Missing", "Degraded", "Unknown"}

// Runs a script as Argo CD does one of argocd-cm: with these libraries and no others, for a second at most. It has two functions of
// os beside them, which are left out here.
func healthOf(object *unstructured.Unstructured, script string) (*health, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	for name, open := range map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage,
		lua.BaseLibName: lua.OpenBase,
		lua.TabLibName:  lua.OpenTable,
	} {
		call := lua.P{Fn: state.NewFunction(open), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return nil, err
		}
	}
	within, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(within)
	state.SetGlobal("obj", inLua(state, object.Object))
	if err := state.DoString(script); err != nil {
		return nil, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("the script gives a %s", state.Get(-1).Type())
	}
	found := health{Status: table.RawGetString("status").String(), Message: table.RawGetString("message").String()}
	if !slices.Contains(statuses, found.Status) {
		return nil, fmt.Errorf("%q is no status", found.Status)
	}
	return &found, nil
}

// A value of JSON as Lua has it.
func inLua(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case string:
		return lua.LString(value)
	case int64:
		return lua.LNumber(value)
	case float64:
		return lua.LNumber(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(inLua(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, inLua(state, item))
		}
		return table
	default:
		return lua.LNil
	}
}
