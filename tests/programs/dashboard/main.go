// Reads a Grafana dashboard on standard input. What does not fit the schema, or is no PromQL, is printed to standard error, a line
// each that begins with its path; else standard output has what each query asks for, as JSON.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/heatmap"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
)

func main() {
	plugins.RegisterDefaultPlugins()
	text, err := io.ReadAll(os.Stdin)
	if err != nil {
		fail([]string{err.Error()})
	}
	problems := strictly(text)
	// The strict decoder tells what is wrong, and keeps nothing.
	var read dashboard.Dashboard
	if err := json.Unmarshal(text, &read); err != nil {
		fail(append(problems, err.Error()))
	}
	problems = append(problems, told("dashboard", read.Validate())...)
	problems = append(problems, wrongWords("dashboard", read)...)
	found, more := queries(read)
	problems = append(problems, more...)
	if len(problems) > 0 {
		fail(problems)
	}
	if err := json.NewEncoder(os.Stdout).Encode(found); err != nil {
		fail([]string{err.Error()})
	}
}

func fail(problems []string) {
	for _, problem := range problems {
		fmt.Fprintln(os.Stderr, problem)
	}
	os.Exit(1)
}

// told gives what an error of the SDK says, a line for each problem. The SDK returns an empty list where it has found none.
func told(path string, err error) []string {
	var problems []string
	if err == nil {
		return problems
	}
	for _, problem := range cog.MakeBuildErrors(path, err) {
		problems = append(problems, problem.Error())
	}
	return problems
}

// strictly holds a dashboard to the schema: fields that there are not, that are missing, or are of another type. The SDK does so for
// options and queries of the panels whose plugin it knows, but not for their fieldConfig.
func strictly(text []byte) []string {
	var read dashboard.Dashboard
	problems := told("dashboard", read.UnmarshalJSONStrict(text))
	var raw struct {
		Panels []rawPanel `json:"panels"`
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return append(problems, err.Error())
	}
	for at, panel := range raw.Panels {
		path := fmt.Sprintf("dashboard.panels[%d]", at)
		if panel.Type == "row" {
			for within, panel := range panel.Panels {
				problems = append(problems, panel.strictly(fmt.Sprintf("%s.panels[%d]", path, within))...)
			}
			continue
		}
		problems = append(problems, panel.strictly(path)...)
	}
	return problems
}

type rawPanel struct {
	Type        string          `json:"type"`
	FieldConfig json.RawMessage `json:"fieldConfig"`
	Panels      []rawPanel      `json:"panels"`
}

func (panel rawPanel) strictly(path string) []string {
	plugin, known := cog.ConfigForPanelcfgVariant(panel.Type)
	if !known {
		return []string{fmt.Sprintf("%s.type: no schema is known for %q", path, panel.Type)}
	}
	if panel.FieldConfig == nil {
		return nil
	}
	path += ".fieldConfig"
	var source dashboard.FieldConfigSource
	problems := told(path, source.UnmarshalJSONStrict(panel.FieldConfig))
	var raw struct {
		Defaults  map[string]json.RawMessage `json:"defaults"`
		Overrides []struct {
			Properties []struct {
				Id    string          `json:"id"`
				Value json.RawMessage `json:"value"`
			} `json:"properties"`
		} `json:"overrides"`
	}
	if err := json.Unmarshal(panel.FieldConfig, &raw); err != nil {
		return append(problems, told(path, err)...)
	}
	// To the schema the value of an override is anything: what it makes of the defaults shows whether it is right.
	for at, override := range raw.Overrides {
		for _, property := range override.Properties {
			path := fmt.Sprintf("%s.overrides[%d].%s", path, at, property.Id)
			name, isCustom := strings.CutPrefix(property.Id, "custom.")
			if !isCustom {
				var config dashboard.FieldConfig
				problems = append(problems, told(path, config.UnmarshalJSONStrict(object(name, property.Value)))...)
				problems = append(problems, wrongWordsIn(path, object(name, property.Value), &dashboard.FieldConfig{})...)
				continue
			}
			if plugin.StrictFieldConfigUnmarshaler == nil {
				problems = append(problems, path+": such panels have none")
				continue
			}
			custom := map[string]json.RawMessage{}
			if defaults, given := raw.Defaults["custom"]; given {
				if err := json.Unmarshal(defaults, &custom); err != nil {
					problems = append(problems, told(path, err)...)
				}
			}
			custom[name] = property.Value
			merged, err := json.Marshal(custom)
			if err != nil {
				problems = append(problems, told(path, err)...)
			}
			_, err = plugin.StrictFieldConfigUnmarshaler(merged)
			problems = append(problems, told(path, err)...)
			config, err := plugin.FieldConfigUnmarshaler(merged)
			problems = append(problems, told(path, err)...)
			problems = append(problems, wrongWords(path, config)...)
		}
	}
	return problems
}

func object(name string, value json.RawMessage) []byte {
	object, err := json.Marshal(map[string]json.RawMessage{name: value})
	if err != nil {
		return nil
	}
	return object
}

// wrongWords gives the places in what was read where a word is none of the schema's.
func wrongWords(path string, read any) []string {
	var problems []string
	var walk func(path string, value reflect.Value)
	walk = func(path string, value reflect.Value) {
		switch kind := value.Type(); kind.Kind() {
		case reflect.Pointer, reflect.Interface:
			if !value.IsNil() {
				walk(path, value.Elem())
			}
		case reflect.Struct:
			for at := range kind.NumField() {
				name, _, _ := strings.Cut(kind.Field(at).Tag.Get("json"), ",")
				walk(path+"."+name, value.Field(at))
			}
		case reflect.Slice:
			for at := range value.Len() {
				walk(fmt.Sprintf("%s[%d]", path, at), value.Index(at))
			}
		case reflect.Map:
			for _, key := range value.MapKeys() {
				walk(fmt.Sprintf("%s.%v", path, key), value.MapIndex(key))
			}
		default:
			isPlain := kind.PkgPath() == ""
			if !isPlain && !slices.Contains(words[kind], value.Interface()) {
				problems = append(problems, fmt.Sprintf("%s: %v is no %v", path, value, kind))
			}
		}
	}
	walk(path, reflect.ValueOf(read))
	return problems
}

// wrongWordsIn does the same for text that is read into something first.
func wrongWordsIn(path string, text []byte, read any) []string {
	if err := json.Unmarshal(text, read); err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	return wrongWords(path, read)
}

// Query is what a panel's query asks for.
type Query struct {
	Panel uint32 `json:"panel"`
	RefId string `json:"refId"`
	Expr  string `json:"expr"`
	// Legend as it is written.
	Legend string `json:"legend"`
	Asks   []Ask  `json:"asks"`
}

// Ask is a metric, the labels of it that a query names, and what brings its series together first, such as max.
type Ask struct {
	Metric    string   `json:"metric"`
	Labels    []string `json:"labels"`
	Aggregate string   `json:"aggregate"`
}

func queries(read dashboard.Dashboard) ([]Query, []string) {
	var found []Query
	var problems []string
	panels := func(path string, panel dashboard.Panel) {
		for at, target := range panel.Targets {
			path := fmt.Sprintf("%s.targets[%d]", path, at)
			query, isPrometheus := target.(*prometheus.Dataquery)
			if !isPrometheus || panel.Id == nil || query.RefId == nil {
				problems = append(problems, path+": no query to Prometheus with a refId, in a panel with an id")
				continue
			}
			asks, err := asked(query.Expr)
			problems = append(problems, told(path+".expr", err)...)
			legend := ""
			if query.LegendFormat != nil {
				legend = *query.LegendFormat
			}
			found = append(found, Query{*panel.Id, *query.RefId, query.Expr, legend, asks})
		}
	}
	for at, either := range read.Panels {
		path := fmt.Sprintf("dashboard.panels[%d]", at)
		if either.Panel != nil {
			panels(path, *either.Panel)
		}
		if either.RowPanel != nil {
			for within, panel := range either.RowPanel.Panels {
				panels(fmt.Sprintf("%s.panels[%d]", path, within), panel)
			}
		}
	}
	return found, problems
}

// asked tells what an expression asks for. Of what Grafana puts in, only the interval does not stand in a string.
func asked(expr string) ([]Ask, error) {
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(strings.ReplaceAll(expr, "$__rate_interval", "5m"))
	if err != nil {
		return nil, err
	}
	return selectors(parsed, "", nil, nil)
}

// selectors adds those of a part of an expression, under what stands around it: what aggregates it, and by which labels.
func selectors(node parser.Node, aggregate string, by []string, asks []Ask) ([]Ask, error) {
	switch node := node.(type) {
	case *parser.AggregateExpr:
		if node.Without {
			return nil, errors.New("without: say by what")
		}
		aggregate, by = node.Op.String(), node.Grouping
	case *parser.BinaryExpr:
		if node.VectorMatching != nil {
			by = slices.Concat(by, node.VectorMatching.MatchingLabels, node.VectorMatching.Include)
		}
	case *parser.VectorSelector:
		ask := Ask{node.Name, slices.Clone(by), aggregate}
		for _, matcher := range node.LabelMatchers {
			if matcher.Name != labels.MetricName {
				ask.Labels = append(ask.Labels, matcher.Name)
			}
		}
		slices.Sort(ask.Labels)
		ask.Labels = slices.Compact(ask.Labels)
		asks = append(asks, ask)
	}
	for _, child := range parser.Children(node) {
		var err error
		if asks, err = selectors(child, aggregate, by, asks); err != nil {
			return nil, err
		}
	}
	return asks, nil
}

// The words of the schema, by the type of their field: the SDK has them as constants, and takes any other too. A type that is not here
// is a problem where a dashboard has it.
var words = map[reflect.Type][]any{}

func knows[Word any](all ...Word) {
	for _, word := range all {
		words[reflect.TypeFor[Word]()] = append(words[reflect.TypeFor[Word]()], word)
	}
}

func init() {
	knows(
		common.AxisPlacementAuto, common.AxisPlacementTop, common.AxisPlacementRight, common.AxisPlacementBottom,
		common.AxisPlacementLeft, common.AxisPlacementHidden,
	)
	knows(common.BarGaugeDisplayModeBasic, common.BarGaugeDisplayModeLcd, common.BarGaugeDisplayModeGradient)
	knows(
		common.BarGaugeNamePlacementAuto, common.BarGaugeNamePlacementTop, common.BarGaugeNamePlacementLeft,
		common.BarGaugeNamePlacementHidden,
	)
	knows(common.BarGaugeSizingAuto, common.BarGaugeSizingManual)
	knows(common.BarGaugeValueModeColor, common.BarGaugeValueModeText, common.BarGaugeValueModeHidden)
	knows(
		common.BigValueColorModeValue, common.BigValueColorModeBackground, common.BigValueColorModeBackgroundSolid,
		common.BigValueColorModeNone,
	)
	knows(common.BigValueGraphModeNone, common.BigValueGraphModeLine, common.BigValueGraphModeArea)
	knows(common.BigValueJustifyModeAuto, common.BigValueJustifyModeCenter)
	knows(
		common.BigValueTextModeAuto, common.BigValueTextModeValue, common.BigValueTextModeValueAndName,
		common.BigValueTextModeName, common.BigValueTextModeNone,
	)
	knows(
		common.FieldTextAlignmentAuto, common.FieldTextAlignmentLeft, common.FieldTextAlignmentRight,
		common.FieldTextAlignmentCenter,
	)
	knows(common.GraphDrawStyleLine, common.GraphDrawStyleBars, common.GraphDrawStylePoints)
	knows(
		common.GraphGradientModeNone, common.GraphGradientModeOpacity, common.GraphGradientModeHue,
		common.GraphGradientModeScheme,
	)
	knows(
		common.GraphThresholdsStyleModeOff, common.GraphThresholdsStyleModeLine, common.GraphThresholdsStyleModeDashed,
		common.GraphThresholdsStyleModeArea, common.GraphThresholdsStyleModeLineAndArea,
		common.GraphThresholdsStyleModeDashedAndArea, common.GraphThresholdsStyleModeSeries,
	)
	knows(
		common.HeatmapCellLayoutLe, common.HeatmapCellLayoutGe, common.HeatmapCellLayoutUnknown,
		common.HeatmapCellLayoutAuto,
	)
	knows(common.LegendDisplayModeList, common.LegendDisplayModeTable, common.LegendDisplayModeHidden)
	knows(common.LegendPlacementBottom, common.LegendPlacementRight)
	knows(
		common.LineInterpolationLinear, common.LineInterpolationSmooth, common.LineInterpolationStepBefore,
		common.LineInterpolationStepAfter,
	)
	knows(
		common.PercentChangeColorModeStandard, common.PercentChangeColorModeInverted,
		common.PercentChangeColorModeSameAsValue,
	)
	knows(
		common.ScaleDistributionLinear, common.ScaleDistributionLog, common.ScaleDistributionOrdinal,
		common.ScaleDistributionSymlog,
	)
	knows(common.SortOrderAscending, common.SortOrderDescending, common.SortOrderNone)
	knows(common.StackingModeNone, common.StackingModeNormal, common.StackingModePercent)
	knows(
		common.TableCellDisplayModeAuto, common.TableCellDisplayModeColorText,
		common.TableCellDisplayModeColorBackground, common.TableCellDisplayModeColorBackgroundSolid,
		common.TableCellDisplayModeGradientGauge, common.TableCellDisplayModeLcdGauge,
		common.TableCellDisplayModeJSONView, common.TableCellDisplayModeBasicGauge, common.TableCellDisplayModeImage,
		common.TableCellDisplayModeGauge, common.TableCellDisplayModeSparkline, common.TableCellDisplayModeDataLinks,
		common.TableCellDisplayModeCustom, common.TableCellDisplayModeActions,
	)
	knows(common.TableCellHeightSm, common.TableCellHeightMd, common.TableCellHeightLg, common.TableCellHeightAuto)
	knows(common.TooltipDisplayModeSingle, common.TooltipDisplayModeMulti, common.TooltipDisplayModeNone)
	knows(common.VisibilityModeAuto, common.VisibilityModeNever, common.VisibilityModeAlways)
	knows(common.VizOrientationAuto, common.VizOrientationVertical, common.VizOrientationHorizontal)
	knows(dashboard.DashboardCursorSyncOff, dashboard.DashboardCursorSyncCrosshair, dashboard.DashboardCursorSyncTooltip)
	knows(dashboard.DashboardLinkTypeLink, dashboard.DashboardLinkTypeDashboards)
	knows(
		dashboard.FieldColorModeIdThresholds, dashboard.FieldColorModeIdPaletteClassic,
		dashboard.FieldColorModeIdPaletteClassicByName, dashboard.FieldColorModeIdContinuousGrYlRd,
		dashboard.FieldColorModeIdContinuousRdYlGr, dashboard.FieldColorModeIdContinuousBlYlRd,
		dashboard.FieldColorModeIdContinuousYlRd, dashboard.FieldColorModeIdContinuousBlPu,
		dashboard.FieldColorModeIdContinuousYlBl, dashboard.FieldColorModeIdContinuousBlues,
		dashboard.FieldColorModeIdContinuousReds, dashboard.FieldColorModeIdContinuousGreens,
		dashboard.FieldColorModeIdContinuousPurples, dashboard.FieldColorModeIdFixed, dashboard.FieldColorModeIdShades,
	)
	knows(
		dashboard.MappingTypeValueToText, dashboard.MappingTypeRangeToText, dashboard.MappingTypeRegexToText,
		dashboard.MappingTypeSpecialValue,
	)
	knows(dashboard.ThresholdsModeAbsolute, dashboard.ThresholdsModePercentage)
	knows(
		dashboard.VariableHideDontHide, dashboard.VariableHideHideLabel, dashboard.VariableHideHideVariable,
		dashboard.VariableHideInControlsMenu,
	)
	knows(
		dashboard.VariableRefreshNever, dashboard.VariableRefreshOnDashboardLoad,
		dashboard.VariableRefreshOnTimeRangeChanged,
	)
	knows(
		dashboard.VariableSortDisabled, dashboard.VariableSortAlphabeticalAsc, dashboard.VariableSortAlphabeticalDesc,
		dashboard.VariableSortNumericalAsc, dashboard.VariableSortNumericalDesc,
		dashboard.VariableSortAlphabeticalCaseInsensitiveAsc, dashboard.VariableSortAlphabeticalCaseInsensitiveDesc,
		dashboard.VariableSortNaturalAsc, dashboard.VariableSortNaturalDesc,
	)
	knows(
		dashboard.VariableTypeQuery, dashboard.VariableTypeAdhoc, dashboard.VariableTypeGroupby,
		dashboard.VariableTypeConstant, dashboard.VariableTypeDatasource, dashboard.VariableTypeInterval,
		dashboard.VariableTypeTextbox, dashboard.VariableTypeCustom, dashboard.VariableTypeSystem,
		dashboard.VariableTypeSnapshot, dashboard.VariableTypeSwitch,
	)
	knows(heatmap.HeatmapColorModeOpacity, heatmap.HeatmapColorModeScheme)
	knows(heatmap.HeatmapColorScaleLinear, heatmap.HeatmapColorScaleExponential)
	knows(prometheus.PromQueryFormatTimeSeries, prometheus.PromQueryFormatTable, prometheus.PromQueryFormatHeatmap)
	knows(prometheus.QueryEditorModeBuilder, prometheus.QueryEditorModeCode)
}
