"""The command line: what a stack file says and whether it holds, without engine or cluster. Never imports Pulumi."""
