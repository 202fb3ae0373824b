"""Takes signals in, recognises incidents and follows their life."""
