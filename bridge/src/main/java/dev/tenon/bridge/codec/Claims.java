package dev.tenon.bridge.codec;

import dev.tenon.proto.Method.Param;
import dev.tenon.proto.Type.Kind;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/** The entries of a row of the table that no Java value has taken yet, in the order of the table. */
public final class Claims {
    private final String where;
    private final Types types;
    private final List<Param> left;
    private final Set<String> all;

    Claims(String where, Types types, List<Param> params) {
        this.where = where;
        this.types = types;
        this.left = new ArrayList<>(params);
        this.all = params.stream().map(Param::name).collect(Collectors.toUnmodifiableSet());
    }

    /** The name of the next entry of this type. */
    public String take(Kind kind) {
        return take(kind.word(), param -> param.type().kind() == kind).name();
    }

    /** The name of the next entry of this type, if there is one. */
    public Optional<String> takeIfAny(Kind kind) {
        return find(param -> param.type().kind() == kind).map(Param::name);
    }

    /** How a Java value crosses; it takes the entries that fit it. */
    public Part bind(Type java) {
        return types.bind(java, this);
    }

    Param take(String what, Predicate<Param> fits) {
        return find(fits)
                .orElseThrow(() -> new IllegalStateException(
                        where + ": the table has nothing left for " + what + ", only " + left));
    }

    private Optional<Param> find(Predicate<Param> fits) {
        for (Iterator<Param> params = left.iterator(); params.hasNext(); ) {
            Param param = params.next();
            if (fits.test(param)) {
                params.remove();
                return Optional.of(param);
            }
        }
        return Optional.empty();
    }

    /** The lists that nothing has taken and that the called side fills. */
    List<String> filled() {
        return left.stream()
                .filter(param -> param.isInOut() && param.type().list())
                .map(Param::name)
                .toList();
    }

    /** The names of all entries, taken or not. */
    Set<String> names() {
        return all;
    }
}
