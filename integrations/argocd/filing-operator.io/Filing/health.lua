local hs = { status = "Progressing", message = "waiting for filing-operator to judge it" }
local conditions = {}
for _, condition in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
  conditions[condition.type] = condition
end

local ready, expiring = conditions.Ready, conditions.Expiring
if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return hs
end

hs.message = ready.message
if ready.status == "True" then
  hs.status = "Healthy"
  -- What ends soon is still valid.
  if expiring ~= nil and expiring.status == "True" then
    hs.message = expiring.message
  end
elseif ready.reason == "Pending" then
  -- It waits for the provider and the bureau: for weeks, and nothing in the cluster moves it.
  hs.status = "Suspended"
else
  hs.status = "Degraded"
end
return hs
