package web

import "viop/auth"

// Operation is an operation, for the tests of the contract.
type Operation struct {
	Method, Path string
	Scope        auth.Scope
}

// Operations are those of any server.
func Operations() []Operation {
	var all []Operation
	s := &server{}
	s.Store = struct{ Store }{} // methods are taken, not called
	for _, op := range s.operations() {
		all = append(all, Operation{op.method, op.path, op.scope})
	}
	return all
}
