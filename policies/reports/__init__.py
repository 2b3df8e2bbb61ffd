"""A verdict as text for a person and as SARIF, JUnit and JSON for machines."""
