"""What the network is made of, without a database: views, drafts and the rules that hold for them."""
