"""What the integration tests share. Standard library only, so that the checker can be used without pytest."""
