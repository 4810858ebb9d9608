"""Amazon Bedrock: Stability's services there, and Amazon's own models."""
