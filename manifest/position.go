package manifest

// Position returns where the value at path stands, a path being keys and list indexes as in
// Position("connectors", 0, "executable"). A mapping, a list and an empty value of a key are where the key is. For what the
// file does not hold it is the position of the nearest part around it that the file does, and 0, 0 if that is nothing.
func (d *Document) Position(path ...any) (line, column int) {
	offset, found := d.locate(path)
	if !found {
		return 0, 0
	}
	return d.lines.position(offset)
}

// keyPosition is Position for the key at the end of path instead of its value.
func (d *Document) keyPosition(path ...any) (line, column int) {
	if len(path) > 0 && d.root != nil {
		if parent, _, found := d.root.find(path[:len(path)-1]); found {
			if name, isKey := path[len(path)-1].(string); isKey {
				if f := parent.field(name); f != nil {
					return d.lines.position(f.key)
				}
			}
		}
	}
	return d.Position(path...)
}

func (d *Document) locate(path []any) (offset int, found bool) {
	if d.root == nil {
		return 0, false
	}
	v, key, found := d.root.find(path)
	switch {
	case !found && len(path) <= 1:
		return 0, false
	case !found:
		return d.locate(path[:len(path)-1])
	case key != nil && (v.items != nil || v.fields != nil || v.empty()):
		return key.key, true
	}
	return v.offset, true
}

// find returns the value at path, and the field it is the value of, nil for a list's item.
func (v *value) find(path []any) (found *value, of *field, ok bool) {
	for _, step := range path {
		switch step := step.(type) {
		case string:
			of = v.field(step)
			if of == nil {
				return nil, nil, false
			}
			v = of.value
		case int:
			if step < 0 || step >= len(v.items) {
				return nil, nil, false
			}
			v, of = v.items[step], nil
		}
	}
	return v, of, true
}
