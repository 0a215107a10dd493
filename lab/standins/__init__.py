"""Stand-ins for the official Pulumi plugins, for machines that cannot have those.

Each speaks Pulumi's gRPC protocol from the `pulumi` package and acts for real. Where one differs from the official
plugin (kubernetes 4.34, command 1.2.1, the language host of engine 3.259), the stand-in is wrong.
"""
