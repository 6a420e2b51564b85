//! The units of Assigned Numbers, section 3.5, by names that can be written in a configuration.

/// Number, the name here, the official name.
const UNITS: &[(u16, &str, &str)] = &[
    (0x2700, "unitless", "unitless"),
    (0x2701, "metre", "length (metre)"),
    (0x2702, "kilogram", "mass (kilogram)"),
    (0x2703, "second", "time (second)"),
    (0x2704, "ampere", "electric current (ampere)"),
    (0x2705, "kelvin", "thermodynamic temperature (kelvin)"),
    (0x2706, "mole", "amount of substance (mole)"),
    (0x2707, "candela", "luminous intensity (candela)"),
    (0x2710, "square_metre", "area (square metres)"),
    (0x2711, "cubic_metre", "volume (cubic metres)"),
    (0x2712, "metre_per_second", "velocity (metres per second)"),
    (
        0x2713,
        "metre_per_second_squared",
        "acceleration (metres per second squared)",
    ),
    (0x2714, "reciprocal_metre", "wavenumber (reciprocal metre)"),
    (
        0x2715,
        "kilogram_per_cubic_metre",
        "density (kilogram per cubic metre)",
    ),
    (
        0x2716,
        "kilogram_per_square_metre",
        "surface density (kilogram per square metre)",
    ),
    (
        0x2717,
        "cubic_metre_per_kilogram",
        "specific volume (cubic metre per kilogram)",
    ),
    (
        0x2718,
        "ampere_per_square_metre",
        "current density (ampere per square metre)",
    ),
    (
        0x2719,
        "ampere_per_metre",
        "magnetic field strength (ampere per metre)",
    ),
    (
        0x271A,
        "mole_per_cubic_metre",
        "amount concentration (mole per cubic metre)",
    ),
    (
        0x271B,
        "mass_concentration_kilogram_per_cubic_metre",
        "mass concentration (kilogram per cubic metre)",
    ),
    (
        0x271C,
        "candela_per_square_metre",
        "luminance (candela per square metre)",
    ),
    (0x271D, "refractive_index", "refractive index"),
    (0x271E, "relative_permeability", "relative permeability"),
    (0x2720, "radian", "plane angle (radian)"),
    (0x2721, "steradian", "solid angle (steradian)"),
    (0x2722, "hertz", "frequency (hertz)"),
    (0x2723, "newton", "force (newton)"),
    (0x2724, "pascal", "pressure (pascal)"),
    (0x2725, "joule", "energy (joule)"),
    (0x2726, "watt", "power (watt)"),
    (0x2727, "coulomb", "electric charge (coulomb)"),
    (0x2728, "volt", "electric potential difference (volt)"),
    (0x2729, "farad", "capacitance (farad)"),
    (0x272A, "ohm", "electric resistance (ohm)"),
    (0x272B, "siemens", "electric conductance (siemens)"),
    (0x272C, "weber", "magnetic flux (weber)"),
    (0x272D, "tesla", "magnetic flux density (tesla)"),
    (0x272E, "henry", "inductance (henry)"),
    (0x272F, "celsius", "Celsius temperature (degree Celsius)"),
    (0x2730, "lumen", "luminous flux (lumen)"),
    (0x2731, "lux", "illuminance (lux)"),
    (
        0x2732,
        "becquerel",
        "activity referred to a radionuclide (becquerel)",
    ),
    (0x2733, "gray", "absorbed dose (gray)"),
    (0x2734, "sievert", "dose equivalent (sievert)"),
    (0x2735, "katal", "catalytic activity (katal)"),
    (0x2740, "pascal_second", "dynamic viscosity (pascal second)"),
    (0x2741, "newton_metre", "moment of force (newton metre)"),
    (
        0x2742,
        "newton_per_metre",
        "surface tension (newton per metre)",
    ),
    (
        0x2743,
        "radian_per_second",
        "angular velocity (radian per second)",
    ),
    (
        0x2744,
        "radian_per_second_squared",
        "angular acceleration (radian per second squared)",
    ),
    (
        0x2745,
        "heat_flux_watt_per_square_metre",
        "heat flux density (watt per square metre)",
    ),
    (
        0x2746,
        "joule_per_kelvin",
        "heat capacity (joule per kelvin)",
    ),
    (
        0x2747,
        "joule_per_kilogram_kelvin",
        "specific heat capacity (joule per kilogram kelvin)",
    ),
    (
        0x2748,
        "joule_per_kilogram",
        "specific energy (joule per kilogram)",
    ),
    (
        0x2749,
        "watt_per_metre_kelvin",
        "thermal conductivity (watt per metre kelvin)",
    ),
    (
        0x274A,
        "joule_per_cubic_metre",
        "energy density (joule per cubic metre)",
    ),
    (
        0x274B,
        "volt_per_metre",
        "electric field strength (volt per metre)",
    ),
    (
        0x274C,
        "coulomb_per_cubic_metre",
        "electric charge density (coulomb per cubic metre)",
    ),
    (
        0x274D,
        "surface_charge_density_coulomb_per_square_metre",
        "surface charge density (coulomb per square metre)",
    ),
    (
        0x274E,
        "electric_flux_density_coulomb_per_square_metre",
        "electric flux density (coulomb per square metre)",
    ),
    (0x274F, "farad_per_metre", "permittivity (farad per metre)"),
    (0x2750, "henry_per_metre", "permeability (henry per metre)"),
    (0x2751, "joule_per_mole", "molar energy (joule per mole)"),
    (
        0x2752,
        "joule_per_mole_kelvin",
        "molar entropy (joule per mole kelvin)",
    ),
    (
        0x2753,
        "coulomb_per_kilogram",
        "exposure (coulomb per kilogram)",
    ),
    (
        0x2754,
        "gray_per_second",
        "absorbed dose rate (gray per second)",
    ),
    (
        0x2755,
        "watt_per_steradian",
        "radiant intensity (watt per steradian)",
    ),
    (
        0x2756,
        "watt_per_square_metre_steradian",
        "radiance (watt per square metre steradian)",
    ),
    (
        0x2757,
        "katal_per_cubic_metre",
        "catalytic activity concentration (katal per cubic metre)",
    ),
    (0x2760, "minute", "time (minute)"),
    (0x2761, "hour", "time (hour)"),
    (0x2762, "day", "time (day)"),
    (0x2763, "degree", "plane angle (degree)"),
    (0x2764, "arc_minute", "plane angle (minute)"),
    (0x2765, "arc_second", "plane angle (second)"),
    (0x2766, "hectare", "area (hectare)"),
    (0x2767, "litre", "volume (litre)"),
    (0x2768, "tonne", "mass (tonne)"),
    (0x2780, "bar", "pressure (bar)"),
    (
        0x2781,
        "millimetre_of_mercury",
        "pressure (millimetre of mercury)",
    ),
    (0x2782, "angstrom", "length (ångström)"),
    (0x2783, "nautical_mile", "length (nautical mile)"),
    (0x2784, "barn", "area (barn)"),
    (0x2785, "knot", "velocity (knot)"),
    (0x2786, "neper", "logarithmic radio quantity (neper)"),
    (0x2787, "bel", "logarithmic radio quantity (bel)"),
    (0x27A0, "yard", "length (yard)"),
    (0x27A1, "parsec", "length (parsec)"),
    (0x27A2, "inch", "length (inch)"),
    (0x27A3, "foot", "length (foot)"),
    (0x27A4, "mile", "length (mile)"),
    (0x27A5, "psi", "pressure (pound-force per square inch)"),
    (
        0x27A6,
        "kilometre_per_hour",
        "velocity (kilometre per hour)",
    ),
    (0x27A7, "mile_per_hour", "velocity (mile per hour)"),
    (
        0x27A8,
        "revolution_per_minute",
        "angular velocity (revolution per minute)",
    ),
    (0x27A9, "gram_calorie", "energy (gram calorie)"),
    (0x27AA, "kilogram_calorie", "energy (kilogram calorie)"),
    (0x27AB, "kilowatt_hour", "energy (kilowatt hour)"),
    (
        0x27AC,
        "fahrenheit",
        "thermodynamic temperature (degree Fahrenheit)",
    ),
    (0x27AD, "percentage", "percentage"),
    (0x27AE, "per_mille", "per mille"),
    (0x27AF, "beats_per_minute", "period (beats per minute)"),
    (0x27B0, "ampere_hour", "electric charge (ampere hours)"),
    (
        0x27B1,
        "milligram_per_decilitre",
        "mass density (milligram per decilitre)",
    ),
    (
        0x27B2,
        "millimole_per_litre",
        "mass density (millimole per litre)",
    ),
    (0x27B3, "year", "time (year)"),
    (0x27B4, "month", "time (month)"),
    (
        0x27B5,
        "count_per_cubic_metre",
        "concentration (count per cubic metre)",
    ),
    (
        0x27B6,
        "watt_per_square_metre",
        "irradiance (watt per square metre)",
    ),
    (
        0x27B7,
        "millilitre_per_kilogram_per_minute",
        "milliliter (per kilogram per minute)",
    ),
    (0x27B8, "pound", "mass (pound)"),
    (0x27B9, "metabolic_equivalent", "metabolic equivalent"),
    (0x27BA, "step_per_minute", "step (per minute)"),
    (0x27BC, "stroke_per_minute", "stroke (per minute)"),
    (
        0x27BD,
        "kilometre_per_minute",
        "pace (kilometre per minute)",
    ),
    (
        0x27BE,
        "lumen_per_watt",
        "luminous efficacy (lumen per watt)",
    ),
    (0x27BF, "lumen_hour", "luminous energy (lumen hour)"),
    (0x27C0, "lux_hour", "luminous exposure (lux hour)"),
    (0x27C1, "gram_per_second", "mass flow (gram per second)"),
    (0x27C2, "litre_per_second", "volume flow (litre per second)"),
    (0x27C3, "decibel", "sound pressure (decibel)"),
    (0x27C4, "parts_per_million", "parts per million"),
    (0x27C5, "parts_per_billion", "parts per billion"),
    (
        0x27C6,
        "milligram_per_decilitre_per_minute",
        "mass density rate ((milligram per decilitre) per minute)",
    ),
    (
        0x27C7,
        "kilovolt_ampere_hour",
        "Electrical Apparent Energy (kilovolt ampere hour)",
    ),
    (
        0x27C8,
        "volt_ampere",
        "Electrical Apparent Power (volt ampere)",
    ),
    (0x27C9, "gravity", "Gravity (gn)"),
];

/// The number of a unit, by the name here or by the official one: `celsius`, or
/// `Celsius temperature (degree Celsius)`.
pub fn unit(name: &str) -> Option<u16> {
    UNITS
        .iter()
        .find(|(_, short, official)| *short == name || *official == name)
        .map(|(number, _, _)| *number)
}

/// The name here of a unit.
pub fn unit_name(number: u16) -> Option<&'static str> {
    UNITS
        .iter()
        .find(|(known, _, _)| *known == number)
        .map(|(_, short, _)| *short)
}

/// The names of all units: number, the name here, the official name.
pub fn units() -> impl Iterator<Item = (u16, &'static str, &'static str)> {
    UNITS.iter().copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stands_for_one_unit() {
        for (index, (number, short, official)) in units().enumerate() {
            assert_eq!(unit(short), Some(number), "{short}");
            assert_eq!(unit(official), Some(number), "{official}");
            assert_eq!(unit_name(number), Some(short));
            assert!(index == 0 || UNITS[index - 1].0 < number, "{short}");
        }
        assert_eq!(unit("celsius"), Some(0x272F));
        assert_eq!(unit("percentage"), Some(0x27AD));
        assert_eq!(unit("pascal"), Some(0x2724));
        assert_eq!(unit("fathom"), None);
    }
}
