"""What runs by itself: checks that are due, deliveries that are owed, and dropping what is past keeping."""
