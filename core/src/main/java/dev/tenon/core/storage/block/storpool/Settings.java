package dev.tenon.core.storage.block.storpool;

import dev.tenon.core.command.Command;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.net.URI;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * What {@code storpool_confget} says of this node: one {@code KEY=VALUE} a line.
 *
 * @param base the address of the API, which ends in a slash
 * @param token what the API asks for
 * @param client the id of this node in StorPool, 1 to 4095
 * @param staysAttached whether volumes stay attached to this node, as Veeam wants it
 */
record Settings(URI base, String token, int client, boolean staysAttached) {
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Pattern PORT = Pattern.compile("[1-9][0-9]{0,4}");
    private static final Pattern CLIENT = Pattern.compile("[1-9][0-9]{0,3}");
    private static final int LAST_CLIENT = 4095;

    /** The same, without the token. */
    @Override
    public String toString() {
        return "Settings[" + base + ", client " + client + "]";
    }

    /**
     * Asks the program.
     *
     * @throws StorageException {@code STORAGE_UNAVAILABLE} if it fails; {@code BAD_CONFIG} if it does not say enough
     */
    static Settings read(String program) {
        String said;
        try {
            said = Command.of(program).withDeadline(LIMIT).run();
        } catch (StorageException e) {
            throw new StorageException(
                    StorageError.STORAGE_UNAVAILABLE,
                    Outcome.NOT_STARTED,
                    "the settings of StorPool are not known: " + e.getMessage(),
                    e);
        }
        return parse(program, said);
    }

    static Settings parse(String program, String said) {
        Map<String, String> values = new LinkedHashMap<>();
        said.lines().forEach(line -> {
            int equals = line.indexOf('=');
            if (equals > 0) {
                values.put(line.substring(0, equals), line.substring(equals + 1));
            }
        });
        String host = required(program, values, "SP_API_HTTP_HOST");
        String port = required(program, values, "SP_API_HTTP_PORT");
        String token = required(program, values, "SP_AUTH_TOKEN");
        String client = required(program, values, "SP_OURID");
        if (!PORT.matcher(port).matches()) {
            throw bad(program, "says that SP_API_HTTP_PORT is " + Quoted.of(port) + ", which is no port");
        }
        if (!CLIENT.matcher(client).matches() || Integer.parseInt(client) > LAST_CLIENT) {
            throw bad(program, "says that SP_OURID is " + Quoted.of(client) + ", which is none of 1 to " + LAST_CLIENT);
        }
        boolean isTrue = NamedByTags.isTrue(values.get("_SP_VEEAM_COMPAT"))
                && !values.getOrDefault("_SP_VEEAM_COMPAT", "").isEmpty();
        return new Settings(base(program, host, port), token, Integer.parseInt(client), isTrue);
    }

    private static String required(String program, Map<String, String> values, String name) {
        String value = values.get(name);
        if (value == null || value.isEmpty()) {
            throw bad(program, "does not say " + name);
        }
        return value;
    }

    private static URI base(String program, String host, String port) {
        String bracketed = host.contains(":") && !host.startsWith("[") ? "[" + host + "]" : host;
        try {
            return URI.create("http://" + bracketed + ":" + port + "/ctrl/1.0/");
        } catch (IllegalArgumentException e) {
            throw bad(program, "says that SP_API_HTTP_HOST is " + Quoted.of(host) + ", which is no host");
        }
    }

    private static StorageException bad(String program, String what) {
        return StorageException.refused(
                StorageError.BAD_CONFIG, "incomplete StorPool configuration: '" + program + "' " + what);
    }
}
