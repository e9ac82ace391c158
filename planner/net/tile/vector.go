package tile

// Vector reports whether the processor can run the kernel's vector form.
func Vector() bool { return false }
