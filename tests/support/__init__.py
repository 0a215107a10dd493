"""What tests share: made-up inputs, stand-ins for what is outside, and readers of what is committed."""
