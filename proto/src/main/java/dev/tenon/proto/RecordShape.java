package dev.tenon.proto;

import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Value.Bool;
import dev.tenon.proto.Value.Int;
import dev.tenon.proto.Value.Text;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.List;

/** The shape of a list's records by the table, for a check of their bytes without making objects of them. */
final class RecordShape {
    private static final int VALUE_DEPTH = 4;

    private final Field[] fields;
    private final boolean other;
    private final long required;

    private static final class Field {
        private final byte[] key;
        private final Type type;
        private final boolean isText;
        private final boolean isBool;

        /** The largest integer that it may be, -1 if its type is asked. */
        private final long largest;

        Field(Param param) {
            key = param.name().getBytes(StandardCharsets.UTF_8);
            type = param.type();
            isText = type.accepts(new Text(""));
            isBool = type.accepts(new Bool(true));
            largest = type.list() ? -1 : type.kind().largest();
        }
    }

    /**
     * The shape of a record of the table.
     *
     * @param other whether there may be more fields, which are trees
     */
    RecordShape(List<Param> params, boolean other) {
        this.fields = params.stream().map(Field::new).toArray(Field[]::new);
        this.other = other;
        long all = 0;
        for (int i = 0; i < fields.length; i++) {
            all |= fields[i].type.nullable() ? 0 : 1L << i;
        }
        this.required = all;
    }

    /** The number of the first record that is not of this shape, -1 if all are. */
    int firstBad(EncodedList list) {
        RecordBytes records = new RecordBytes(list);
        for (int number = 0; number < list.size(); number++) {
            if (!records.next() || !isGood(list, records)) {
                return number;
            }
        }
        return -1;
    }

    private boolean isGood(EncodedList list, RecordBytes record) {
        long seen = 0;
        int next = 0;
        while (record.nextEntry()) {
            int index = find(list.frame(), record, next);
            if (index < 0 ? other && !isTree(list, record) : !accepts(fields[index], list, record)) {
                return false;
            }
            if (index >= 0) {
                seen |= 1L << index;
                next = index + 1;
            }
        }
        return (seen & required) == required;
    }

    /** Mostly they are in the order of the table. */
    private int find(byte[] frame, RecordBytes record, int likely) {
        for (int i = 0; i < fields.length; i++) {
            int index = likely + i < fields.length ? likely + i : likely + i - fields.length;
            byte[] key = fields[index].key;
            if (Arrays.equals(key, 0, key.length, frame, record.keyBegin(), record.keyEnd())) {
                return index;
            }
        }
        return -1;
    }

    private static boolean accepts(Field field, EncodedList list, RecordBytes record) {
        return switch (record.valueKind()) {
            case NIL -> field.type.nullable();
            case TEXT -> field.isText;
            case BOOL -> field.isBool;
            case INTEGER -> isNumber(field, record.integer());
            case OTHER -> field.type.accepts(list.value(record.valueBegin(), record.valueEnd(), VALUE_DEPTH));
        };
    }

    private static boolean isNumber(Field field, long number) {
        return field.largest < 0 ? field.type.accepts(new Int(number)) : number >= 0 && number <= field.largest;
    }

    private static boolean isTree(EncodedList list, RecordBytes record) {
        return switch (record.valueKind()) {
            case NIL, TEXT -> true;
            case BOOL, INTEGER -> false;
            case OTHER -> Type.Kind.isTree(list.value(record.valueBegin(), record.valueEnd(), VALUE_DEPTH));
        };
    }
}
