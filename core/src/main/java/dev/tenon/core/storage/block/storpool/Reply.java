package dev.tenon.core.storage.block.storpool;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import dev.tenon.core.spi.Outcome;
import dev.tenon.core.spi.Quoted;
import dev.tenon.core.spi.StorageError;
import dev.tenon.core.spi.StorageException;
import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** An answer of the API. */
final class Reply {
    private static final JsonFactory JSON = new JsonFactory();
    private static final int OK = 200;
    private static final int UNAUTHORIZED = 401;
    private static final int FORBIDDEN = 403;
    private static final int USUAL_TAGS = 16;

    private final String call;
    private final boolean isChange;
    private final int status;
    private final byte[] body;

    /**
     * An answer.
     *
     * @param call what it answers, for people
     * @param isChange whether that was to change something
     * @param status of HTTP
     */
    Reply(String call, boolean isChange, int status, byte[] body) {
        this.call = call;
        this.isChange = isChange;
        this.status = status;
        this.body = body;
    }

    /** Reads what is at the field {@code data}. */
    @FunctionalInterface
    private interface Reading<T> {
        T read(JsonParser parser) throws IOException;
    }

    /**
     * The data, as maps, lists, text, numbers and booleans.
     *
     * @throws StorageException what the API says is wrong; {@code BAD_RESULT} if it says nothing that can be read
     */
    Object data() {
        return read(Reply::tree);
    }

    /** The data, which is a list of volumes or snapshots, or an object with such a list in it; fails as the other. */
    List<ApiObject> objects() {
        return read(parser -> {
            List<ApiObject> objects = new ArrayList<>();
            if (parser.currentToken() == JsonToken.START_OBJECT) {
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    boolean isList = parser.currentName().equals("volumes");
                    parser.nextToken();
                    if (isList) {
                        list(parser, objects);
                    } else {
                        parser.skipChildren();
                    }
                }
            } else {
                list(parser, objects);
            }
            return objects;
        });
    }

    private <T> T read(Reading<T> reading) {
        T data = null;
        Object error = null;
        try (JsonParser parser = JSON.createParser(body)) {
            if (parser.nextToken() != JsonToken.START_OBJECT) {
                throw unreadable("it is no object", null);
            }
            while (parser.nextToken() == JsonToken.FIELD_NAME) {
                String field = parser.currentName();
                parser.nextToken();
                switch (field) {
                    case "data" -> data = reading.read(parser);
                    case "error" -> error = tree(parser);
                    default -> parser.skipChildren();
                }
            }
        } catch (IOException e) {
            throw unreadable(e.getMessage() == null ? e.toString() : e.getMessage(), e);
        }
        if (error != null) {
            throw refused(error);
        }
        if (status != OK || data == null) {
            throw unreadable("it has no data", null);
        }
        return data;
    }

    /** An answer that is not JSON is a page of something else, whose status says more. */
    private StorageException unreadable(String why, @Nullable IOException cause) {
        if (status == UNAUTHORIZED || status == FORBIDDEN) {
            return wrongToken("HTTP status " + status);
        }
        Outcome outcome = isChange ? Outcome.UNKNOWN : Outcome.NOT_STARTED;
        if (status != OK) {
            return new UnansweredException(
                    StorageError.STORAGE_UNAVAILABLE,
                    outcome,
                    "the StorPool API did not do " + call + ": HTTP status " + status,
                    true,
                    cause);
        }
        String first = why.lines().findFirst().orElse("");
        return new UnansweredException(
                StorageError.BAD_RESULT,
                outcome,
                "the StorPool API's answer to " + call + " cannot be read: " + Quoted.inWords(first),
                true,
                cause);
    }

    private StorageException wrongToken(String why) {
        return StorageException.refused(
                StorageError.PERMISSION_DENIED,
                "the StorPool API refused " + call + " (" + why + "): look whether SP_AUTH_TOKEN is right");
    }

    private StorageException refused(Object error) {
        String name = error instanceof Map<?, ?> map ? String.valueOf(map.get("name")) : "";
        String described = error instanceof Map<?, ?> map ? String.valueOf(map.get("descr")) : String.valueOf(error);
        if (status == UNAUTHORIZED || status == FORBIDDEN) {
            return wrongToken(Quoted.inWords(described));
        }
        StorageError kind = switch (name) {
            case "objectDoesNotExist" -> StorageError.NOT_FOUND;
            case "objectExists" -> StorageError.ALREADY_EXISTS;
            case "busy" -> StorageError.IN_USE;
            case "invalidParam" -> StorageError.BAD_PARAMETER;
            default -> StorageError.COMMAND_FAILED;
        };
        return new StorageException(
                kind,
                isChange ? Outcome.FAILED_CLEAN : Outcome.NOT_STARTED,
                "StorPool refused " + call + ": " + Quoted.inWords(described));
    }

    private static void list(JsonParser parser, List<ApiObject> into) throws IOException {
        if (parser.currentToken() != JsonToken.START_ARRAY) {
            throw new IOException("a list belongs where " + parser.currentToken() + " is");
        }
        while (parser.nextToken() != JsonToken.END_ARRAY) {
            into.add(object(parser));
        }
    }

    private static ApiObject object(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw new IOException("a volume belongs where " + parser.currentToken() + " is");
        }
        String name = "";
        String globalId = "";
        boolean isSnapshot = false;
        long size = 0;
        Long storedSize = null;
        long created = 0;
        Map<String, String> tags = Map.of();
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String field = parser.currentName();
            JsonToken token = parser.nextToken();
            switch (field) {
                case "name" -> name = text(parser);
                case "globalId" -> globalId = text(parser);
                case "snapshot" -> isSnapshot = token == JsonToken.VALUE_TRUE;
                case "size" -> size = parser.getValueAsLong();
                case "storedSize" -> storedSize = token.isNumeric() ? (Long) parser.getLongValue() : null;
                case "creationTimestamp" -> created = parser.getValueAsLong();
                case "tags" -> tags = tags(parser);
                default -> parser.skipChildren();
            }
        }
        return new ApiObject(name, globalId, isSnapshot, size, storedSize, created, tags);
    }

    private static String text(JsonParser parser) throws IOException {
        String text = parser.getValueAsString();
        return text == null ? "" : text;
    }

    private static Map<String, String> tags(JsonParser parser) throws IOException {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            parser.skipChildren();
            return Map.of();
        }
        Map<String, String> tags = HashMap.newHashMap(USUAL_TAGS);
        while (parser.nextToken() == JsonToken.FIELD_NAME) {
            String tag = parser.currentName();
            parser.nextToken();
            tags.put(tag, text(parser));
            parser.skipChildren();
        }
        return Collections.unmodifiableMap(tags);
    }

    private static Object tree(JsonParser parser) throws IOException {
        return switch (parser.currentToken()) {
            case START_OBJECT -> {
                Map<String, Object> map = new HashMap<>();
                while (parser.nextToken() == JsonToken.FIELD_NAME) {
                    String field = parser.currentName();
                    parser.nextToken();
                    map.put(field, tree(parser));
                }
                yield map;
            }
            case START_ARRAY -> {
                List<Object> list = new ArrayList<>();
                while (parser.nextToken() != JsonToken.END_ARRAY) {
                    list.add(tree(parser));
                }
                yield list;
            }
            case VALUE_NUMBER_INT -> parser.getLongValue();
            case VALUE_TRUE -> true;
            case VALUE_FALSE -> false;
            case null, default -> text(parser);
        };
    }
}
