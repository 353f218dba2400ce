"""What runs inside the jail: zygote, worker, runner; and its wire protocol."""
