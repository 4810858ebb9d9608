"""`scripts/bench files`: what large images cost, however they come and go, and what hosting a result adds."""
