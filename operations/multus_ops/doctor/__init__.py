"""What is wrong with a cluster's Multus, why it matters, and the commands that mend it."""
