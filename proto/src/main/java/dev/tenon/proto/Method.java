package dev.tenon.proto;

import dev.tenon.proto.Value.Fields;
import dev.tenon.proto.Value.Nil;
import dev.tenon.proto.Value.Seq;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;

/**
 * A row of the method table.
 *
 * @param typed the name of the method in typed interfaces, camel case of the row's own unless the row says another
 * @param params the named parameters of every level
 * @param positions by the level from which it holds, the order in which Perl passes them
 * @param perlContext the Perl context in which PVE calls the method
 * @param result the shape of the answer
 * @param pure whether the answer depends on nothing but the parameters, so that no storage is touched; the class that stands
 *     for a plugin on a host answers it there
 * @param answered who answers it on a host if the plugin has no own: {@code class}, the plugin's class from what it
 *     declares; {@code base}, the host's base class without the plugin; null for the plugin or what it inherits
 * @param isDeclared whether only a plugin that declares the method's level means it: an older one may have a sub of its name
 *     by accident
 * @param isFresh for a method of an object, whether it may be the first call on an object
 * @param lock what the host has locked before, null if nothing
 * @param since the level that brought the method
 * @param until the last level that had it, {@code Integer.MAX_VALUE} if all later ones do
 * @param deadline how long a call may take unless its caller says otherwise
 */
public record Method(
        String name,
        String typed,
        List<Param> params,
        NavigableMap<Integer, List<String>> positions,
        String perlContext,
        Result result,
        boolean pure,
        boolean isDeclared,
        boolean isFresh,
        @Nullable String answered,
        @Nullable String lock,
        int since,
        int until,
        Duration deadline) {

    /** Calls that may take as long as this may take hours: they move data, or wait for a lock. */
    private static final Duration LONG = Duration.ofMinutes(10);

    private static final String RESULT = "result";
    private static final String CHANGED = "changed";

    /**
     * A named parameter, or a field of a result.
     *
     * @param unit what a number counts, null if it is not a quantity
     * @param absent what stands for a field that a plugin leaves out, null if nothing does
     * @param isInOut whether a plugin may change it in place, so that it comes back with the answer
     * @param isTenons whether only the two sides of Tenon know it, and no plugin or host
     */
    public record Param(
            String name,
            Type type,
            @Nullable String unit,
            @Nullable String absent,
            boolean isInOut,
            boolean isTenons) {}

    /** An answer, and the parameters that the plugin changed in place. */
    public record Answer(Value result, Fields changed) {}

    /** The shape of an answer. */
    public sealed interface Result {
        /** Nothing; whatever a plugin returns is dropped. */
        record None() implements Result {}

        record Single(Type type) implements Result {}

        /**
         * In Perl a list whose length varies, on the wire a map.
         *
         * @param scalar the field that Perl gets in scalar context
         */
        record Tuple(List<Param> fields, String scalar) implements Result {}

        /**
         * A list of records.
         *
         * @param other whether the records may have fields beyond these, as trees
         */
        record Records(String name, List<Param> fields, boolean other) implements Result {}
    }

    /** Whether a call may last, so that others should not have to wait for it. */
    public boolean isLong() {
        return deadline.compareTo(LONG) >= 0;
    }

    /** Whether answers carry parameters that were changed in place: {@code {"result": ..., "changed": {...}}}. */
    public boolean hasInOut() {
        for (Param param : params) {
            if (param.isInOut()) {
                return true;
            }
        }
        return false;
    }

    /** The parameter that a plugin changes in place; the last, if there are more. */
    public String changeable() {
        return params.reversed().stream()
                .filter(Param::isInOut)
                .map(Param::name)
                .findFirst()
                .orElseThrow();
    }

    /** The answer as it crosses. */
    public Value wrap(Answer answer) {
        return hasInOut() ? Value.fields(RESULT, answer.result(), CHANGED, answer.changed()) : answer.result();
    }

    /** The answer as it crosses, with what {@link #changeable} is now; nil if it is what it was. */
    public Value wrap(Value answer, Value changed) {
        return wrap(new Answer(answer, changed instanceof Nil ? Value.fields() : Value.fields(changeable(), changed)));
    }

    /** The answer as it crossed and was checked. */
    public Answer unwrap(Value answer) {
        if (hasInOut() && answer instanceof Fields both && both.get(CHANGED) instanceof Fields changed) {
            return new Answer(both.get(RESULT), changed);
        }
        return new Answer(answer, Value.fields());
    }

    /** Whether hosts and plugins of this level have the method. */
    public boolean isIn(int level) {
        return since <= level && level <= until;
    }

    /** The order in which a host or plugin of this level passes the parameters; one before the first is like the first. */
    public List<String> positionsAt(int level) {
        Map.Entry<Integer, List<String>> entry = positions.floorEntry(level);
        return entry == null ? positions.firstEntry().getValue() : entry.getValue();
    }

    /**
     * Checks the parameters of a call. One that is missing counts as nil; one that is unknown and nil is ignored, because
     * a newer caller may name it; one that is unknown and holds something is refused, because it may matter.
     *
     * @throws ProtocolException {@code BAD_PARAMETER}, naming parameter and value
     */
    public void checkParams(Fields given) {
        for (Param param : params) {
            if (!given.entries().containsKey(param.name()) && !param.type().nullable()) {
                throw bad("the parameter '" + param.name() + "' (" + param.type() + ") is missing");
            }
            param.type().complaint(given.get(param.name())).ifPresent(complaint -> {
                throw bad("the parameter '" + param.name() + "' " + complaint);
            });
        }
        given.entries().forEach((name, value) -> {
            if (!(value instanceof Nil)
                    && params.stream().noneMatch(param -> param.name().equals(name))) {
                throw bad("the parameter '" + name + "' is unknown; known are "
                        + params.stream().map(Param::name).toList());
            }
        });
    }

    private ProtocolException bad(String what) {
        return new ProtocolException(ErrorCode.BAD_PARAMETER, name + ": " + what);
    }

    /**
     * Checks an answer.
     *
     * @throws ProtocolException {@code BAD_RESULT}, naming the field and its value
     */
    public void checkResult(Value answer) {
        if (!hasInOut()) {
            checkPlainResult(answer);
            return;
        }
        if (!(answer instanceof Fields both) || !(both.get(CHANGED) instanceof Fields changed)) {
            throw badResult("the answer must be a map of 'result' and 'changed', got " + answer.kind());
        }
        checkPlainResult(both.get(RESULT));
        changed.entries().forEach((name, value) -> {
            Param param = params.stream()
                    .filter(candidate -> candidate.isInOut() && candidate.name().equals(name))
                    .findFirst()
                    .orElseThrow(() -> badResult("the parameter '" + name + "' cannot be changed"));
            param.type().complaint(value).ifPresent(complaint -> {
                throw badResult("the changed parameter '" + name + "' " + complaint);
            });
        });
    }

    private void checkPlainResult(Value answer) {
        switch (result) {
            case Result.None() -> {
                if (!(answer instanceof Nil)) {
                    throw badResult("has no result, got " + answer.kind());
                }
            }
            case Result.Single(Type type) ->
                type.complaint(answer).ifPresent(complaint -> {
                    throw badResult("the result " + complaint);
                });
            case Result.Tuple(List<Param> fields, String ignored) -> checkFields(answer, fields, false, "the result");
            case Result.Records(String record, List<Param> fields, boolean other) -> {
                if (!(answer instanceof Seq(List<Value> items))) {
                    throw badResult("the result must be a list, got " + answer.kind());
                }
                if (items instanceof EncodedList encoded) {
                    int bad = new RecordShape(fields, other).firstBad(encoded);
                    if (bad >= 0) {
                        checkFields(encoded.get(bad), fields, other, record + " " + bad + " of the result");
                        throw badResult(record + " " + bad + " of the result is none");
                    }
                    return;
                }
                int number = 0;
                for (Value item : items) {
                    checkFields(item, fields, other, record + " " + number + " of the result");
                    number++;
                }
            }
        }
    }

    private void checkFields(Value answer, List<Param> fields, boolean other, String where) {
        if (!(answer instanceof Fields given)) {
            throw badResult(where + " must be a map, got " + answer.kind());
        }
        for (Param field : fields) {
            field.type().complaint(given.get(field.name())).ifPresent(complaint -> {
                throw badResult(where + ": '" + field.name() + "' " + complaint);
            });
        }
        if (other) {
            given.entries().forEach((name, value) -> {
                if (fields.stream().noneMatch(field -> field.name().equals(name)) && !Type.Kind.isTree(value)) {
                    throw badResult(where + ": '" + name + "' must be maps, lists and text, got " + value.kind());
                }
            });
        }
    }

    private ProtocolException badResult(String what) {
        return new ProtocolException(ErrorCode.BAD_RESULT, name + ": " + what);
    }
}
