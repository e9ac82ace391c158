// Package ingest is the durable log behind POST /v1/{tenant}/inputs/{table}: the way in when Kafka is away.
// A request is one frame of an append-only log; its rows are records of the partition cdc.HTTPTopic, each with
// an offset of its own, and go the way of every other record.
//
//	body ──Split──▶ rows ──Check──▶ Log.Append ──fsync──▶ answer
//	                                   │
//	                                   ├──Read──▶ follow ──▶ decode ──▶ state
//	                                   └──Pump──▶ topics, once Kafka is back (headers name log and offset)
//
//	<dir>/id                          the log's name, made once: written-through records carry it
//	<dir>/lock                        held by the one process that has the log
//	<dir>/<first offset, 20 digits>.log   frames, one after another
//	<dir>/through                     offset up to which rows are written through to Kafka
//
//	frame   length  u32 LE   bytes of the body
//	        sum     u32 LE   CRC-32C of the body
//	        check   u32 LE   CRC-32C of the two before it
//	        body    version u8 · first offset, time (µs UTC), rows as varints · SHA-256 of the request ·
//	                table, idempotency key, then each row, with its length before it as a varint
//
// Invariants:
//
//	I1  what Append answered for is on the disk: synced before the answer, and read by nobody before that
//	I2  a frame is there whole or not at all: a torn tail was never answered for and is cut; damage anywhere
//	    else is refused by name
//	I3  a request with a key that the log knows is answered with the first one's receipt and written once; the
//	    same key with other rows is refused
//	I4  offsets never come twice, also when the folder is lost: a log opens at or after the offset that the
//	    state has read up to
package ingest
