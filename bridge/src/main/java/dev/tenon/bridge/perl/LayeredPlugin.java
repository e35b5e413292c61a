package dev.tenon.bridge.perl;

import dev.tenon.bridge.storage.CallingPlugin;
import dev.tenon.core.decorator.Call;
import dev.tenon.core.decorator.DelegatingPlugin;
import dev.tenon.core.storage.directory.InheritedBase;
import org.jspecify.annotations.Nullable;

/**
 * A Perl plugin over PVE's base class in Java: what the plugin has itself goes to Perl, the rest is answered here, and calls
 * into Perl only for what the plugin has of that.
 */
final class LayeredPlugin extends DelegatingPlugin {
    private final CallingPlugin own;
    private final InheritedBase base = new InheritedBase(this);

    LayeredPlugin(CallingPlugin own) {
        this.own = own;
    }

    /** PVE's base class for this plugin. */
    InheritedBase base() {
        return base;
    }

    @Override
    protected <T extends @Nullable Object> T make(Call<T> call) {
        return call.on(own.hasOwn(call.operation()) ? own : base);
    }
}
