//go:build !amd64

package tile

// Vector reports whether the processor can run the kernel's vector form.
func Vector() bool { return false }

func (t *Tile) columns(f *Facts) { t.columnsScalar(f) }

func (t *Tile) cumulate(from int, days []uint16) { t.cumulateScalar(from, days) }

// plainWindow fills a window as if no row had anything beside demand, floor and capacity.
func (t *Tile) plainWindow(w int) { t.plainWindowScalar(w) }

// step runs all rows up to opportunity k and nets it.
func (t *Tile) step(k int) { t.stepScalar(k) }
