package dev.tenon.bridge.adapt;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.core.spi.StoragePlugin;
import dev.tenon.proto.MethodTable;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Fields;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** A storage plugin called through names and values, as over a connection but without one. */
final class CrossedPlugin extends CallingPlugin implements Caller {
    private final StoragePlugin far;
    private final Dialect dialect;
    private final Map<String, Cleanup> kept = new HashMap<>();

    /** The methods that were called, by the names of the table. */
    final List<String> called = new ArrayList<>();

    CrossedPlugin(StoragePlugin far, Dialect dialect) {
        this.far = far;
        this.dialect = dialect;
    }

    @Override
    protected Dialect dialect() {
        return dialect;
    }

    @Override
    protected Value call(String method, Fields params) {
        called.add(method);
        Value answer = TypedCalls.call(far, method, params, this);
        MethodTable.storagePlugin().method(method).checkResult(answer);
        return answer;
    }

    @Override
    protected void claim(String token) {
        Objects.requireNonNull(kept.remove(token), token).run();
    }

    @Override
    public Value run(long function, List<Value> args) {
        return functions.run(Value.fields("id", new Value.Int(function), "args", new Value.Seq(args)));
    }

    @Override
    public String keep(Cleanup cleanup) {
        String token = "token-" + kept.size();
        kept.put(token, cleanup);
        return token;
    }
}
