"""What the operators' own protocols share: one connection kept up, a window of unanswered messages, long SMS, receipts on the same line."""
