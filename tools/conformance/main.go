// Compiles OPA's own conformance cases to WebAssembly, all in one process: one JSON line a case on standard output. The cases are those of the OPA that
// tools/go.mod pins; those that the given capabilities do not allow say so.
//
// usage: conformance CAPABILITIES EVERY CASES_FOLDER...
//
// EVERY leaves out cases: of so many that follow each other, in the order of their names, the first is taken.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/rego"
	"github.com/open-policy-agent/opa/v1/test/cases"
)

// compiledCase is a case with its policy, or with what the compiler has against it.
type compiledCase struct {
	Note          string            `json:"note"`
	Wasm          []byte            `json:"wasm,omitempty"`
	Refused       string            `json:"refused,omitempty"`
	Data          *map[string]any   `json:"data,omitempty"`
	Input         *any              `json:"input,omitempty"`
	InputTerm     *string           `json:"input_term,omitempty"`
	WantDefined   *bool             `json:"want_defined,omitempty"`
	WantResult    *[]map[string]any `json:"want_result,omitempty"`
	WantErrorCode *string           `json:"want_error_code,omitempty"`
	WantError     *string           `json:"want_error,omitempty"`
	StrictError   bool              `json:"strict_error,omitempty"`
	SortBindings  bool              `json:"sort_bindings,omitempty"`
	IgnoreVars    bool              `json:"ignore_generated_vars,omitempty"`
}

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return fmt.Errorf("usage: conformance CAPABILITIES EVERY CASES_FOLDER...")
	}
	every, err := strconv.Atoi(args[1])
	if err != nil || every < 1 {
		return fmt.Errorf("EVERY is a whole number from 1: %q", args[1])
	}
	file, err := os.Open(args[0])
	if err != nil {
		return err
	}
	defer file.Close()
	capabilities, err := ast.LoadCapabilitiesJSON(file)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	encoder := json.NewEncoder(out)
	set, err := load(args[2:])
	if err != nil {
		return err
	}
	for index, one := range set.Sorted().Cases {
		if index%every != 0 {
			continue
		}
		if err := encoder.Encode(compile(one, capabilities)); err != nil {
			return err
		}
	}
	return out.Flush()
}

// load reads all YAML files below the folders; beside them are other files.
func load(folders []string) (cases.Set, error) {
	var all cases.Set
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || filepath.Ext(path) != ".yaml" {
				return err
			}
			set, err := cases.Load(path)
			all.Cases = append(all.Cases, set.Cases...)
			return err
		})
		if err != nil {
			return all, err
		}
	}
	return all, nil
}

func compile(one cases.TestCase, capabilities *ast.Capabilities) compiledCase {
	compiled := compiledCase{
		Note: one.Note, Data: one.Data, Input: one.Input, InputTerm: one.InputTerm, WantDefined: one.WantDefined, WantResult: one.WantResult,
		WantErrorCode: one.WantErrorCode, WantError: one.WantError, StrictError: one.StrictError, SortBindings: one.SortBindings, IgnoreVars: one.IgnoreGeneratedVars,
	}
	if one.InputTerm != nil {
		term := ast.MustParseTerm(*one.InputTerm).String()
		compiled.InputTerm = &term
	}
	options := []func(*rego.Rego){rego.Query(one.Query), rego.Capabilities(capabilities)}
	for index, module := range one.Modules {
		options = append(options, rego.Module(fmt.Sprintf("module%d.rego", index), module))
	}
	result, err := rego.New(options...).Compile(context.Background())
	if err != nil {
		compiled.Refused = strings.TrimSpace(err.Error())
		return compiled
	}
	compiled.Wasm = result.Bytes
	return compiled
}
