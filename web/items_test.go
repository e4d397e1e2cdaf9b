package web_test

import (
	"encoding/json"
	"testing"

	"viop/rooms/export"
	"viop/rooms/export/sample"
)

// Everything that can be told is an Item of the contract, with names and
// without.
func TestItemsAreInTheContract(t *testing.T) {
	h := newHouse(t)
	schema := h.contract.Components.Schemas["Item"].Value
	for _, told := range sample.Everything() {
		for _, view := range []export.View{sample.View(), {Feed: "F1"}} {
			item, err := view.Item(told.Change, told.Reading, told.Signatures)
			if err != nil {
				t.Fatal(err)
			}
			text, err := json.Marshal(item)
			if err != nil {
				t.Fatal(err)
			}
			var value any
			if err := json.Unmarshal(text, &value); err != nil {
				t.Fatal(err)
			}
			if err := schema.VisitJSON(value); err != nil {
				t.Errorf("%s is no Item of the contract: %v", told.Name, err)
			}
		}
	}
	if err := schema.VisitJSON(map[string]any{"id": "F1.1"}); err == nil {
		t.Error("an item without anything passes for one")
	}
}
