package conformance

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"google.golang.org/protobuf/proto"

	"github.com/PlakarKorp/kpkg/host"
	"github.com/PlakarKorp/kpkg/manifest"
)

// What an inventory lists, and how it bears what hosts do.

var inventoryGates = []Check{
	{ID: "inventory-complete", Title: "List ends without an error", gate: true, needs: needsLocation, run: inventoryComplete},
}

var inventoryChecks = []Check{
	{ID: "inventory-urns", Title: "every entry has a URN", needs: needsLocation, run: everyEntry(hasURN)},
	{ID: "inventory-duplicates", Title: "no URN comes twice", needs: needsLocation, run: inventoryDuplicates},
	{ID: "inventory-names", Title: "every entry has a name", needs: needsLocation, run: everyEntry(hasName)},
	{ID: "inventory-classes", Title: "classes and subclasses are those of manifests", needs: needsLocation, run: everyEntry(hasClass)},
	{ID: "inventory-texts", Title: "texts can be printed", needs: needsLocation, run: everyEntry(isPrintable)},
	{ID: "inventory-endpoints", Title: "endpoints are host names, addresses or UUIDs, as they say", needs: needsLocation,
		run: everyEntry(hasEndpoints)},
	{ID: "inventory-locators", Title: "locators have a type and an identifier", needs: needsLocation, run: everyEntry(hasLocators)},
	{ID: "inventory-again", Title: "a second list is like the first, in another process too", needs: needsLocation, run: inventoryAgain},
	{ID: "inventory-parallel", Title: "4 lists can be under way at once", needs: needsLocation, run: inventoryParallel},
	{ID: "inventory-cancelled", Title: "a cancelled List ends, and the next is complete", needs: needsLocation, run: inventoryCancelled},
	{ID: "inventory-secret", Title: "a password is not among what is listed", needs: needsLocation, run: inventorySecret},
	{ID: "inventory-host-death", Title: "it ends when the host dies within a List", needs: needsLocation, run: inventoryHostDeath},
	{ID: "inventory-leaks", Title: "lists leave no files, threads or memory behind", needs: []requirement{hasLocation, procFiles},
		run: inventoryLeaks},
}

// inventory starts the plugin as an inventory.
func (s *subject) inventory(ctx context.Context) (*host.Plugin, *host.Inventory, error) {
	p, err := s.start(ctx)
	if err != nil {
		return nil, nil, err
	}
	inventory, err := p.Inventory(ctx, s.settings(s.place()))
	return p, inventory, err
}

// entriesOf are all that is listed.
func entriesOf(ctx context.Context, inventory *host.Inventory) ([]*host.InventoryEntry, error) {
	var entries []*host.InventoryEntry
	err := inventory.List(ctx, func(entry *host.InventoryEntry) error {
		entries = append(entries, entry)
		return nil
	})
	return entries, err
}

// entries are what a new process lists.
func (s *subject) entries(ctx context.Context) ([]*host.InventoryEntry, error) {
	_, inventory, err := s.inventory(ctx)
	if err != nil {
		return nil, err
	}
	return entriesOf(ctx, inventory)
}

func inventoryComplete(ctx context.Context, s *subject) error {
	_, err := s.entries(ctx)
	return err
}

// everyEntry is a check of each entry by itself. fault says what is wrong with one, "" if nothing is.
func everyEntry(fault func(*host.InventoryEntry) string) func(context.Context, *subject) error {
	return func(ctx context.Context, s *subject) error {
		entries, err := s.entries(ctx)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			return skipf("nothing is listed: test where there is something")
		}
		for i, entry := range entries {
			if found := fault(entry); found != "" {
				return fmt.Errorf("entry %d of %d, %q: %s", i+1, len(entries), entry.GetUrn(), found)
			}
		}
		return nil
	}
}

func hasURN(entry *host.InventoryEntry) string {
	if strings.TrimSpace(entry.GetUrn()) == "" {
		return "it has no URN"
	}
	return ""
}

func hasName(entry *host.InventoryEntry) string {
	if strings.TrimSpace(entry.GetName()) == "" {
		return "it has no name"
	}
	return ""
}

func hasClass(entry *host.InventoryEntry) string {
	if !manifest.IsClass(entry.GetClass(), entry.GetSubclass()) {
		return fmt.Sprintf("there is no class %q with a subclass %q", entry.GetClass(), entry.GetSubclass())
	}
	return ""
}

func isPrintable(entry *host.InventoryEntry) string {
	texts := map[string]string{
		"URN": entry.GetUrn(), "name": entry.GetName(), "region": entry.GetRegion(), "service": entry.GetService(),
		"resource": entry.GetResource(), "tags": strings.Join(entry.GetTags(), ""),
	}
	for what, text := range texts {
		if strings.ContainsFunc(text, func(r rune) bool { return !unicode.IsPrint(r) }) {
			return fmt.Sprintf("its %s %q cannot be printed", what, text)
		}
	}
	return ""
}

// uuidForm is that of RFC 9562, and of shorter numbers that file systems such as FAT have in its place.
var uuidForm = regexp.MustCompile(`^[0-9A-Fa-f]+(-[0-9A-Fa-f]+)*$`)

func hasEndpoints(entry *host.InventoryEntry) string {
	for _, endpoint := range entry.GetEndpoints() {
		value := endpoint.GetEndpoint()
		address, _ := netip.ParseAddr(value)
		fits := false
		switch endpoint.GetType() {
		case "host":
			fits = value != "" && !strings.ContainsAny(value, " /\t\n")
		case "inet4":
			fits = address.Is4()
		case "inet6":
			fits = address.Is6()
		case "uuid":
			fits = uuidForm.MatchString(value)
		default:
			return fmt.Sprintf("the type of endpoint %q is %q: there are host, inet4, inet6 and uuid", value, endpoint.GetType())
		}
		if !fits {
			return fmt.Sprintf("the endpoint %q is no %s", value, endpoint.GetType())
		}
	}
	return ""
}

func hasLocators(entry *host.InventoryEntry) string {
	for _, locator := range entry.GetLocators() {
		if locator.GetType() == "" || locator.GetIdentifier() == "" {
			return fmt.Sprintf("a locator has the type %q and the identifier %q", locator.GetType(), locator.GetIdentifier())
		}
	}
	return ""
}

func inventoryDuplicates(ctx context.Context, s *subject) error {
	entries, err := s.entries(ctx)
	seen := map[string]bool{}
	for _, entry := range entries {
		if seen[entry.GetUrn()] {
			return fmt.Errorf("the URN %q comes twice", entry.GetUrn())
		}
		seen[entry.GetUrn()] = true
	}
	return err
}

// urns are those of entries, sorted: the order is nobody's promise.
func urns(entries []*host.InventoryEntry) []string {
	var all []string
	for _, entry := range entries {
		all = append(all, entry.GetUrn())
	}
	slices.Sort(all)
	return all
}

// sameURNs is the error about another list than the first.
func sameURNs(what string, first, other []*host.InventoryEntry) error {
	if a, b := urns(first), urns(other); !slices.Equal(a, b) {
		return fmt.Errorf("the first list has the URNs %s, and %s %s", firstFew(a), what, firstFew(b))
	}
	return nil
}

func inventoryAgain(ctx context.Context, s *subject) error {
	_, inventory, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	first, err := entriesOf(ctx, inventory)
	if err != nil {
		return err
	}
	second, err := entriesOf(ctx, inventory)
	if err != nil {
		return fmt.Errorf("the second List: %w", err)
	}
	other, err := s.entries(ctx)
	if err != nil {
		return err
	}
	return errors.Join(sameURNs("the second", first, second), sameURNs("that of another process", first, other))
}

func inventoryParallel(ctx context.Context, s *subject) error {
	_, inventory, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	first, err := entriesOf(ctx, inventory)
	if err != nil {
		return err
	}
	ended := make(chan error)
	for range 4 {
		go func() {
			entries, err := entriesOf(ctx, inventory)
			if err == nil {
				err = sameURNs("one of four at once", first, entries)
			}
			ended <- err
		}()
	}
	for range 4 {
		err = errors.Join(err, <-ended)
	}
	return err
}

// errEnough ends a List early.
var errEnough = errors.New("enough")

func inventoryCancelled(ctx context.Context, s *subject) error {
	all, err := s.entries(ctx)
	if err != nil {
		return err
	}
	_, inventory, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	for range 2 {
		inventory.List(ctx, func(*host.InventoryEntry) error { return errEnough })
	}
	next, err := entriesOf(ctx, inventory)
	if err != nil {
		return fmt.Errorf("the List after it: %w", err)
	}
	return sameURNs("the one after two that were cancelled", all, next)
}

// inventorySecret looks into all that an entry has: what a service says of a database may have the way to log in in it.
func inventorySecret(ctx context.Context, s *subject) error {
	var refused error
	for _, settings := range s.secretSettings(s.place()) {
		p, err := s.start(ctx)
		if err != nil {
			return err
		}
		var inventory *host.Inventory
		if inventory, refused = p.Inventory(ctx, settings); refused != nil {
			continue
		}
		entries, err := entriesOf(ctx, inventory)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			encoded, err := proto.Marshal(entry)
			if err == nil && s.shows(string(encoded)) {
				return fmt.Errorf("the entry %q has the password in it", s.hidden(entry.GetUrn()))
			}
		}
	}
	return notJudged(refused)
}

// inventoryHostDeath breaks off after the first entry, or after an empty list.
func inventoryHostDeath(ctx context.Context, s *subject) error {
	p, inventory, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	err = inventory.List(ctx, func(*host.InventoryEntry) error {
		p.BreakOff()
		return errEnough
	})
	if err != nil && !errors.Is(err, errEnough) {
		return err
	}
	p.BreakOff()
	return ends(ctx, p.Exited(), "the death of its host")
}

func inventoryLeaks(ctx context.Context, s *subject) error {
	p, inventory, err := s.inventory(ctx)
	if err != nil {
		return err
	}
	return leaksNothing(p, func() error {
		_, err := entriesOf(ctx, inventory)
		return err
	})
}
