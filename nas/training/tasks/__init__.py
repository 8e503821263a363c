"""What an encoder is to be good for, one task a file."""
