"""Plans -> Kubernetes objects as plain values, in the API's own camelCase. Pure; imports the plan's types only."""
