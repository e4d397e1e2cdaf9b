package redisstore

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"github.com/redis/go-redis/v9"
)

// settings of a Redis that decide whether it may hold evidence; "" is unknown.
type settings struct {
	policy string // maxmemory-policy
	aof    string // "yes" or "no"
	save   string // snapshot rules; unknown and none are told apart by saveKnown

	saveKnown bool
}

// readSettings asks CONFIG, which a managed Redis may forbid, and then INFO
// for what is still missing.
func readSettings(ctx context.Context, rdb *redis.Client) (settings, error) {
	var s settings
	config := map[string]string{}
	for _, name := range []string{"maxmemory-policy", "appendonly", "save"} {
		values, err := rdb.ConfigGet(ctx, name).Result()
		if _, refused := errors.AsType[redis.Error](err); err != nil && !refused {
			return s, err
		}
		for name, value := range values {
			config[name] = value
		}
	}
	s.policy, s.aof = config["maxmemory-policy"], config["appendonly"]
	s.save, s.saveKnown = config["save"]
	if s.policy != "" && s.aof != "" {
		return s, nil
	}
	info, err := rdb.Info(ctx).Result()
	if _, refused := errors.AsType[redis.Error](err); err != nil && !refused {
		return s, err
	}
	for line := range strings.Lines(info) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); {
		case name == "maxmemory_policy" && s.policy == "":
			s.policy = value
		case name == "aof_enabled" && s.aof == "":
			s.aof = map[string]string{"0": "no", "1": "yes"}[value]
		}
	}
	return s, nil
}

// evicts says why this Redis may throw evidence away, or nil.
func (s settings) evicts() error {
	if s.policy == "" || s.policy == "noeviction" {
		return nil
	}
	return errors.New("this Redis may throw evidence away when its memory is full: its maxmemory-policy is " + s.policy +
		`; run "CONFIG SET maxmemory-policy noeviction" and put it into redis.conf, or accept the loss with --allow-volatile`)
}

// forgets says why this Redis loses everything when it restarts, or nil.
func (s settings) forgets() error {
	if s.aof != "no" || !s.saveKnown || s.save != "" {
		return nil
	}
	return errors.New("this Redis keeps nothing across a restart: appendonly is no and there is no save rule" +
		`; put "appendonly yes" and "appendfsync always" into redis.conf, or accept the loss with --allow-volatile`)
}

// check decides whether a Redis may hold evidence. It is durable unless it is
// known to lose things.
func (s settings) check(allowVolatile bool, log *slog.Logger) (durable bool, err error) {
	problem := errors.Join(s.evicts(), s.forgets())
	switch {
	case problem != nil && !allowVolatile:
		return false, problem
	case problem != nil:
		log.Warn("the store may lose evidence", "why", problem)
		return false, nil
	case s.policy == "" || s.aof == "":
		log.Warn("this Redis does not tell its settings: make sure that it has maxmemory-policy noeviction and appendonly yes")
	case s.aof == "no":
		log.Warn("this Redis only saves snapshots: a crash loses what was written since the last one; set appendonly yes")
	}
	return true, nil
}
