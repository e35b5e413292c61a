package dev.tenon.bridge.codec;

import dev.tenon.core.spi.Cleanup;
import dev.tenon.proto.Value;
import dev.tenon.proto.Value.Nil;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How work that a call leaves for later crosses: as a token. */
public record LeftWork() implements Answering {
    @Override
    public Value write(@Nullable Object answer, List<@Nullable Object> arguments, Incoming call) {
        String token = answer instanceof Optional<?> left && left.orElse(null) instanceof Cleanup cleanup
                ? call.caller().keep(cleanup)
                : null;
        return token == null ? Nil.NIL : Codec.TEXT.write(token);
    }

    @Override
    public Object read(Value answer, List<@Nullable Object> arguments, Outgoing call) {
        if (answer instanceof Nil) {
            return Optional.empty();
        }
        String token = Codec.TEXT.read(answer);
        Cleanup cleanup = () -> call.claim(token);
        return Optional.of(cleanup);
    }
}
