"""What alerts say of prices and sources: fed by every loop with what it saw, told beside what it judged."""
