package planfile

// DC is the plan files of one DC and cycle, opened: the manifest is read, nothing else yet.
//
//	Open(dir string) (*DC, error)
//	(*DC) Verify(ctx) error                            // digests of all files
//	(*DC) Rows(ctx, layer) (*Reader, error)            // checks the file's digest once; nil when not listed
//	(*DC) Releases(ctx) ([]Release, error)             // released lines of the order layers
//	(*DC) Carry(ctx) ([]CarryLine, error)
//	(*Reader) Groups() int
//	(*Reader) Group(ctx, i int) (*Batch, error)        // the batch is valid until the next call
//	(*Reader) Close() error
//	(*Batch) AppendJSON(dst []byte, row int) []byte    // the line as one JSON object
type DC struct {
	Dir      string
	Manifest *Manifest
}
