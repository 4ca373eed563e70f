"""Mail: what is sent, to whom, how it hangs together, and what of it arrived."""
