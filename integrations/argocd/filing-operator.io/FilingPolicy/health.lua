local hs = { status = "Progressing", message = "waiting for filing-operator to put it into force" }
local conditions = {}
for _, condition in ipairs(obj.status ~= nil and obj.status.conditions or {}) do
  conditions[condition.type] = condition
end

local ready, enforced, brake = conditions.Ready, conditions.Enforced, conditions.BrakeHeld
if ready == nil or ready.observedGeneration ~= obj.metadata.generation then
  return hs
end

hs.message = ready.message
if ready.status ~= "True" then
  hs.status = "Degraded"
  return hs
end

hs.status = "Healthy"
if enforced ~= nil and enforced.status == "False" then
  -- A person has said so, or is waited for; any other reason is something to mend.
  local meant = { BrakeHeld = "Suspended", BreakGlass = "Suspended", Released = "Suspended", ControllerExcepted = "Healthy" }
  hs.status = meant[enforced.reason] or "Degraded"
  hs.message = enforced.message
end
if brake ~= nil and brake.status == "True" and hs.status ~= "Degraded" then
  -- What is released is being carried out.
  hs.status = brake.reason == "Released" and "Progressing" or "Suspended"
  hs.message = brake.message
end
return hs
