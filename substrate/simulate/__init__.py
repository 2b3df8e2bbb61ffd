"""What scaling would do: a trace of requests against a plan. Pure; imports the plan, facts and values."""
