package cli

import (
	"context"

	"echelon/cmd/echelon/policy"
)

func (c *checked) gates(ctx context.Context, f checkFlags, pol *policy.File) error { return nil }
