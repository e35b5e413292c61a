package Tenon::Inspect::Probe;

use v5.36;

use Fcntl qw(F_SETFD FD_CLOEXEC);
use JSON::PP ();
use POSIX ();

use Tenon::Api;
use Tenon::Effects;
use Tenon::Inspect::Holdings;
use Tenon::Inspect::StandIn;
use Tenon::Lifeline;
use Tenon::Literal;
use Tenon::Loader;
use Tenon::Names;

use constant { OLDEST_AGE_ZERO => 9, SIGKILL => 9, DEEPEST => 8 };

# The process of one trial. Tells on the file descriptor {fd}, in lines of JSON, what it is about to do and then what it
# found; what the plugin prints is not among it.
sub main ($class, $json) {
    my $order = JSON::PP->new->decode($json);
    open(my $out, '>&=', $order->{fd}) or die "cannot tell what was found: $!\n";
    fcntl($out, F_SETFD, FD_CLOEXEC) or die "cannot tell what was found: $!\n";
    $out->autoflush(1);
    Tenon::Lifeline::follow(SIGKILL);
    my $tell = sub ($what) { print {$out} JSON::PP->new->utf8->canonical->encode($what), "\n" };
    my $facts = _examine($order, sub ($stage) { $tell->({ stage => $stage }) });
    $tell->({ facts => $facts });
    STDOUT->flush;
    STDERR->flush;

    # A plugin that was only looked at must not run its END blocks, which for instance log out.
    POSIX::_exit(0);
}

sub _examine ($order, $stage) {
    $stage->('pve');
    my ($path, @packages) = Tenon::Loader::find($order->{file});
    my $level = $order->{level};
    local $ENV{TENON_API_LEVEL} = _is_known($level) ? $level : $ENV{TENON_API_LEVEL} // '';
    my $pve = Tenon::Loader::load_pve($order->{pve_lib}, $path);
    Tenon::Names::install() if ($level // 0) >= Tenon::Names::came_with();
    unshift @INC, $order->{lib}->@*;
    push @INC, $1
        if $path
        =~ m{\A(.+)/PVE/Storage/Custom/\w+\.pm\z}; # where its own modules would be installed
    my $is_compat = $pve eq 'compat';
    my @lacks = $order->{stand_in}->@*;
    my $answered = Tenon::Inspect::StandIn::install($is_compat, @lacks);
    Tenon::Inspect::StandIn::preload() if $is_compat;
    $answered->@* = ();
    _pretend($level) if defined($level);

    my %facts = (pve => $pve, includes => [grep { !ref } @INC]);
    $stage->('compile');
    my $held = Tenon::Inspect::Holdings::seen();
    my $effects = Tenon::Effects->watch($path);
    my $complaint = Tenon::Loader::compile($path);
    $facts{stand_ins} = [grep { m/\APVE::/ } $answered->@*];
    if (defined($complaint)) {
        $facts{complaint} = _text($complaint);
        return \%facts;
    }
    my $package = Tenon::Loader::plugin_class(@packages);
    $facts{effects} = $effects->told($package);
    return \%facts if !defined($package);
    $facts{package} = $package;
    $facts{has_api} = $package->can('api') ? 1 : 0;
    $facts{methods} =
        [grep { Tenon::Loader::overrides($package, $_) } Tenon::Api->load->method_names];
    for my $method ($facts{has_api} ? 'api' : (), qw(type plugindata properties options)) {
        $stage->("${method}()");
        my ($value, $err);
        eval { $value = $package->$method(); 1 } or $err = $@;
        $facts{$method} =
            defined($err)
            ? { error => _text(Tenon::Loader::one_line($err)) }
            : { value => _plain($value) };
        $facts{literals}->{$method} = eval { Tenon::Literal::of($value, 1, "$method()") } // do {
            my $what = _text($@ =~ s/\s+\z//r);
            push $facts{effects}->{refused}->@*,
                { line => 0, file => $path, what => "hands code to PVE: $what" };
            undef;
        } if !defined($err);
    }
    $stage->('register()');
    eval { $package->register; 1 } or $facts{register} = _text(Tenon::Loader::one_line($@));
    $facts{holds} = [Tenon::Inspect::Holdings::more_than($held)];
    $facts{neighbours} = { map { ($_ => _neighbour($_)) } $order->{neighbours}->@* };
    return \%facts;
}

# What a neighbour in the same process declares: plugins of one family share properties, and only the first declares them.
sub _neighbour ($file) {
    my $properties = eval {
        my ($path, @packages) = Tenon::Loader::find($file);
        die "it does not compile\n" if defined(Tenon::Loader::compile($path));
        Tenon::Loader::plugin_class(@packages)->properties;
    };
    return ref($properties) eq 'HASH' ? [map { _text($_) } sort keys $properties->%*] : undef;
}

sub _is_known ($level) {
    my $api = Tenon::Api->load;
    return defined($level) && $level >= $api->oldest && $level <= $api->newest;
}

# The constants of a host of this level; they are set before the plugin is compiled, because it may keep their values.
sub _pretend ($level) {
    no warnings qw(prototype redefine);
    my $age = $level < OLDEST_AGE_ZERO ? 0 : $level - OLDEST_AGE_ZERO;
    *PVE::Storage::APIVER = sub : prototype() { $level };
    *PVE::Storage::APIAGE = sub : prototype() { $age };
    return;
}

# A plugin's answer about itself may be cut or odd, but must not keep the rest from being reported.
sub _plain ($value, $depth = 0) {
    my $kind = ref($value);
    return undef if !defined($value); ## no critic (ProhibitExplicitReturnUndef)
    return _text($value) if !$kind || $depth > DEEPEST;
    return { map { _text($_) => _plain($value->{$_}, $depth + 1) } keys $value->%* }
        if $kind eq 'HASH';
    return [map { _plain($_, $depth + 1) } $value->@*] if $kind eq 'ARRAY';
    return $kind;
}

sub _text ($value) {
    my $text = eval { "$value" } // 'an object that has no text';
    my $copy = $text;
    return !utf8::is_utf8($text) && utf8::decode($copy) ? $copy : $text;
}

1;

__END__

=head1 NAME

Tenon::Inspect::Probe - compiles a plugin in a process that ends afterwards, and asks it what it is

=head1 SYNOPSIS

    perl -MTenon::Inspect::Probe -e 'Tenon::Inspect::Probe->main(shift)' "$json"

=head1 DESCRIPTION

Started by L<Tenon::Inspect::Trial>. The argument is an object with C<file>, C<level>, C<pve_lib>, C<lib>, C<stand_in>,
C<neighbours> and C<fd>. PVE::Storage's C<APIVER> and C<APIAGE> are those of a host of this level, if there is one.

=head1 METHODS

=head2 main

Writes lines of JSON to the file descriptor: C<stage>, what is done next, for a plugin that does not let it come back; in
the end C<facts>. Ends the process.

=cut
