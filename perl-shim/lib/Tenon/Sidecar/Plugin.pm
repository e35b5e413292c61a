package Tenon::Sidecar::Plugin;

use v5.36;

use List::Util qw(min);

use Tenon::Loader;
use Tenon::Names;
use Tenon::Signatures;

sub load ($class, $api, %opt) {
    my ($path, @packages) = Tenon::Loader::find($opt{plugin});
    my $pve = Tenon::Loader::load_pve($opt{pve_lib}, $path);
    my $self = bless { file => $path, pve => $pve }, $class;

    # What the base class of the plugin's PVE supports by itself, before missing methods are added.
    my %abilities = Tenon::Names::abilities();
    my $remove_names = Tenon::Names::install();
    my $is_custom = grep { m/\APVE::Storage::Custom::/ } @packages;
    my $complaint =
        $is_custom ? Tenon::Loader::compile($path) : Tenon::Loader::compile_again($path);
    if (defined($complaint)) {
        die "the plugin file '$opt{plugin}' does not compile: $complaint\n";
    }
    my $package = $self->{package} = Tenon::Loader::plugin_class(@packages)
        // die
"the plugin file '$opt{plugin}' is no storage plugin: package $packages[0] is not derived from PVE::Storage::Plugin\n";
    my $level = _level_of($package, $api, $opt{accept_old});
    $level = _known_level($package, $api, $path, $level) if $level > $api->newest;
    $self->{level} = $level;
    $remove_names->() if $self->{level} < Tenon::Names::came_with();
    my $type =
        eval { $package->type }
        // die "the type() method of the plugin $package failed: "
        . Tenon::Loader::one_line($@ || 'it returned undef') . "\n";
    $self->{type} = "$type";

    # As PVE does: its base class looks up there what the plugin declares.
    Tenon::Loader::is_pves_own($package) && eval { PVE::Storage::Plugin->lookup($type); 1 }
        or eval { $package->register; 1 }
        or die "the plugin $package cannot be registered: " . Tenon::Loader::one_line($@) . "\n";
    _init($package) if $pve ne 'compat';
    $self->{shared} = (grep { $_ eq $type } @PVE::Storage::Plugin::SHARED_STORAGE) ? 'yes' : 'no';
    $self->{overrides} = [Tenon::Loader::own_methods($package, $self->{level})];
    $self->{facts} = { $self->%* };
    $self->{abilities} = \%abilities;
    return $self;
}

sub _level_of ($package, $api, $accept_old) {
    my $is_pves_own = Tenon::Loader::is_pves_own($package);
    die "the plugin $package does not provide an api() method\n"
        if !$is_pves_own && !$package->can('api');
    my $level =
        eval { $is_pves_own ? min(PVE::Storage::APIVER(), $api->newest) : $package->api }
        // die "the api() method of the plugin $package failed: "
        . Tenon::Loader::one_line($@ || 'it returned undef') . "\n";
    die "the api() method of the plugin $package returned '"
        . ($level =~ s/[^ -~]/?/gr)
        . "', which is no API version\n"
        if $level !~ m/\A\d+\z/;
    die "the plugin $package implements API version $level, older than the oldest supported, "
        . $api->oldest
        . "; it may work all the same: --accept-old\n"
        if $level < $api->oldest && !$accept_old;
    return 0 + $level;
}

# A plugin of a newer level is treated as one of the newest known level, if its signatures fit.
sub _known_level ($package, $api, $path, $level) {
    my $newest = $api->newest;
    my @misfits = Tenon::Signatures::misfits(Tenon::Loader::source($path),
        $newest, Tenon::Loader::own_methods($package, $newest));
    die "the plugin $package implements API version $level, newer than this Tenon knows, $newest,"
        . ' and cannot be hosted as one of that: '
        . join('; ', @misfits) . "\n"
        if @misfits;
    warn "the plugin $package implements API version $level, newer than this Tenon knows;"
        . " it is hosted as one of $newest, which its signatures fit\n";
    return 0 + $newest;
}

# PVE merges what all types declare once they are registered, and knows no option of a type before. The compat layer does it
# when it is first asked. A plugin whose properties do not fit can do everything except check its configuration.
sub _init ($package) {
    eval { PVE::Storage::Plugin->init; 1 }
        or warn "the properties of the plugin $package do not fit those of PVE: "
        . Tenon::Loader::one_line($@) . "\n";
    return;
}

sub facts ($self) {
    return $self->{facts};
}

sub abilities ($self) {
    return $self->{abilities}->%*;
}

sub package ($self) {
    return $self->{package};
}

sub level ($self) {
    return $self->{level};
}

1;

__END__

=head1 NAME

Tenon::Sidecar::Plugin - the plugin that a sidecar hosts

=head1 SYNOPSIS

    my $plugin = Tenon::Sidecar::Plugin->load($api, plugin => $file, pve_lib => $dir);

=head1 DESCRIPTION

A plugin is loaded once, as PVE loads it: compiled, looked at, registered. Everything that is forked from the process
afterwards has it.

=head1 METHODS

=head2 load

    my $plugin = Tenon::Sidecar::Plugin->load($api, %opt);

C<plugin> is the path of the file; C<pve_lib> a directory with PVE's own Perl libraries, undef for none; with C<accept_old> a
plugin of a level that no host of today loads is taken, too. Dies with one sentence, with Perl's own complaint in it, if the
file is no plugin that can be hosted.

=head2 facts

    my $facts = $plugin->facts;

What a hello tells: C<file>, C<level>, C<overrides> (the methods that it implements itself), C<package>, C<pve> (C<compat>, or
the path of PVE's own base class) and C<type>.

=head2 abilities

    my %fact = $plugin->abilities;

The fact C<abilities> of a hello: what the base class that the plugin was loaded on can by itself; see L<Tenon::Names>.

=head2 package, level

The plugin's class, and the API level that it declares.

=cut
