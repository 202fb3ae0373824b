"""What goes wrong in earnest: each test ends with an audit that finds nothing lost or doubled."""
