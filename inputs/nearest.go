package inputs

// Nearest gives the word with the smallest edit distance to what somebody wrote, the first of several, and that
// distance: the bytes to insert, delete or replace. Without words it gives "", 0.
func Nearest(word string, words []string) (nearest string, distance int) {
	if len(word) > 64 {
		word = word[:64] // no name is that long: the rest could only cost time
	}
	distance = -1
	for _, w := range words {
		if d := edits(word, w); distance < 0 || d < distance {
			nearest, distance = w, d
		}
	}
	return nearest, max(distance, 0)
}

// edits is the Levenshtein distance of two words in bytes.
func edits(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
