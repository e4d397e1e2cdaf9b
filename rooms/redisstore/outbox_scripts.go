package redisstore

import (
	_ "embed"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/put_destination.lua
var putDestinationLua string

//go:embed lua/delete_destination.lua
var deleteDestinationLua string

//go:embed lua/hold.lua
var holdLua string

//go:embed lua/enqueue.lua
var enqueueLua string

//go:embed lua/due.lua
var dueLua string

//go:embed lua/settle.lua
var settleLua string

//go:embed lua/redrive.lua
var redriveLua string

//go:embed lua/disclosed.lua
var disclosedLua string

// outboxScripts are those of destinations and of what leaves for them.
type outboxScripts struct {
	putDestination, deleteDestination, hold, enqueue, due, settle, redrive, disclosed *redis.Script
}

func newOutboxScripts() outboxScripts {
	return outboxScripts{
		putDestination:    redis.NewScript(putDestinationLua),
		deleteDestination: redis.NewScript(deleteDestinationLua),
		hold:              redis.NewScript(holdLua),
		enqueue:           redis.NewScript(enqueueLua),
		due:               redis.NewScript(dueLua),
		settle:            redis.NewScript(settleLua),
		redrive:           redis.NewScript(redriveLua),
		disclosed:         redis.NewScript(disclosedLua),
	}
}
