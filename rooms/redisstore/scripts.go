package redisstore

import (
	_ "embed"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// The scripts, sent by EVALSHA. They need no Redis Functions and no CONFIG, so
// they run on a managed Redis and on the in-memory one.
//
//go:embed lua/acquire.lua
var acquireLua string

//go:embed lua/beat.lua
var beatLua string

//go:embed lua/release.lua
var releaseLua string

//go:embed lua/append.lua
var appendLua string

//go:embed lua/save.lua
var saveLua string

//go:embed lua/presence.lua
var presenceLua string

//go:embed lua/begin.lua
var beginLua string

//go:embed lua/finish.lua
var finishLua string

//go:embed lua/extend.lua
var extendLua string

//go:embed lua/drop.lua
var dropLua string

//go:embed lua/tell.lua
var tellLua string

//go:embed lua/tell_week.lua
var tellWeekLua string

//go:embed lua/tell_authorization.lua
var tellAuthorizationLua string

// scripts of one store.
type scripts struct {
	acquire, beat, release, append, save, presence  *redis.Script
	begin, finish                                   *redis.Script
	extend, drop, tell, tellWeek, tellAuthorization *redis.Script
	outboxScripts
}

func newScripts() scripts {
	return scripts{
		acquire:  redis.NewScript(acquireLua),
		beat:     redis.NewScript(beatLua),
		release:  redis.NewScript(releaseLua),
		append:   redis.NewScript(appendLua),
		save:     redis.NewScript(saveLua),
		presence: redis.NewScript(presenceLua),

		begin:  redis.NewScript(beginLua),
		finish: redis.NewScript(finishLua),

		extend:            redis.NewScript(extendLua),
		drop:              redis.NewScript(dropLua),
		tell:              redis.NewScript(tellLua),
		tellWeek:          redis.NewScript(tellWeekLua),
		tellAuthorization: redis.NewScript(tellAuthorizationLua),
		outboxScripts:     newOutboxScripts(),
	}
}

// errReply: a script answered in a shape that its text does not allow.
var errReply = errors.New("a script's answer is not understood")

// reply reads the array that a script returns. Redis gives numbers as int64
// and the parts of TIME as text.
type reply []any

func (r reply) text(i int) string {
	if i >= len(r) {
		return ""
	}
	switch v := r[i].(type) {
	case string:
		return v
	case int64:
		return strconv.FormatInt(v, 10)
	}
	return ""
}

func (r reply) number(i int) int {
	n, _ := strconv.Atoi(r.text(i))
	return n
}

// time reads the two parts of TIME at i and i+1; zero when they are not there.
func (r reply) time(i int) time.Time {
	seconds, err := strconv.ParseInt(r.text(i), 10, 64)
	micros, err2 := strconv.ParseInt(r.text(i+1), 10, 64)
	if err != nil || err2 != nil {
		return time.Time{}
	}
	return time.Unix(seconds, micros*int64(time.Microsecond)).UTC()
}

// pairs reads an array of names and values at i.
func (r reply) pairs(i int) map[string]string {
	pairs := map[string]string{}
	if i >= len(r) {
		return pairs
	}
	list, _ := r[i].([]any)
	for i := 0; i+1 < len(list); i += 2 {
		pairs[reply(list).text(i)] = reply(list).text(i + 1)
	}
	return pairs
}
