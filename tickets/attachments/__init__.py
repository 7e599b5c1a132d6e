"""Files of messages: what they are (sniff), pictures made safe (pictures), where they lie (store)."""
