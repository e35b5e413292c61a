package dev.tenon.proto;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;

/**
 * An API that crosses the wire: what its methods are, and at which level this side speaks it. Connections, codecs and
 * adapters are given one and depend on none.
 *
 * @param name its name, which is that of its data file
 * @param table its methods, a row each
 * @param level the level of this side, mostly the newest of the table
 */
public record Api(String name, MethodTable table, int level) {

    /** Of the file {@code NAME.json} beside this class, at the newest level that it knows. */
    public static Api named(String name) {
        String file = name + ".json";
        try (InputStream in = Objects.requireNonNull(Api.class.getResourceAsStream(file), file)) {
            return read(in);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /**
     * Of the text of such a file.
     *
     * @throws IOException if it cannot be read, or is not JSON
     */
    public static Api read(InputStream json) throws IOException {
        MethodTable table = MethodTable.read(json);
        return new Api(table.api(), table, table.newestLevel());
    }

    /**
     * The row of a method that was called.
     *
     * @throws ProtocolException {@code UNKNOWN_METHOD}
     */
    public Method method(String method) {
        return table.method(method);
    }
}
