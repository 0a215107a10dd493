"""Stand-in for pulumi-language-python."""
