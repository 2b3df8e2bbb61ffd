"""What vendors ship as an example or a default, judged: `python -m tests.policies.vendors` writes the table."""
