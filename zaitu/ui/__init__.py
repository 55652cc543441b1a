"""What the doors share on screen: components, tokens, browser libraries, problem answers."""
