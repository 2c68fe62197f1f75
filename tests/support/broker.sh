# To be sourced: a real broker on a free loopback port, ended by its process id.
#
#   start_broker DIR [PORT]   starts mosquitto with its files in DIR; sets broker_port, broker_pid.
#                             It keeps sessions and queues in DIR over a restart on the same port.
#   stop_broker               ends it in good order and waits for it.
PATH=$PATH:/usr/sbin   # where mosquitto is, and a user's PATH is not
broker_pid=
broker_port=

start_broker() {
  local dir=$1 port=${2:-} try
  for try in 1 2 3 4 5 6 7 8 9 10; do
    broker_port=${port:-$((20000 + RANDOM % 12000))}
    cat > "$dir/broker.conf" <<END
listener $broker_port 127.0.0.1
allow_anonymous true
persistence true
persistence_location $dir/
max_queued_messages 0
END
    # As root mosquitto changes its user, who could not write into DIR.
    [ "$(id -u)" != 0 ] || echo "user root" >> "$dir/broker.conf"
    : > "$dir/broker.log"
    mosquitto -c "$dir/broker.conf" >> "$dir/broker.log" 2>&1 &
    broker_pid=$!
    while kill -0 "$broker_pid" 2> /dev/null; do
      if grep -q ' running$' "$dir/broker.log"; then
        # Said a little early: a signal is lost until it serves its first client.
        # `#` does not match a topic with a $.
        mosquitto_pub -h 127.0.0.1 -p "$broker_port" -t '$ready' -n -q 1
        return
      fi
      sleep 0.02
    done
    wait "$broker_pid" || true   # the port was taken: try another one, or the same again
    sleep 0.1
  done
  broker_pid=
  echo "mosquitto does not start:" >&2
  cat "$dir/broker.log" >&2
  return 1
}

stop_broker() {
  [ -n "$broker_pid" ] || return 0
  kill "$broker_pid" 2> /dev/null || true
  wait "$broker_pid" 2> /dev/null || true
  broker_pid=
}
